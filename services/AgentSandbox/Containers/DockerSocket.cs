using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>Where Docker's API is, for the command that this user has: <c>DOCKER_HOST</c>, else the current context.</summary>
internal static class DockerSocket
{
    public const string Default = "/var/run/docker.sock";

    /// <exception cref="EnclosureException">The engine is not on this machine.</exception>
    public static string Find(EngineCommand engine)
    {
        var host = Environment.GetEnvironmentVariable("DOCKER_HOST");
        if (string.IsNullOrEmpty(host))
        {
            var configuration = Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } named ? named : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");
            // Asking takes a process; without a context of one's own the answer is known.
            if (!Directory.Exists(Path.Combine(configuration, "contexts")) && Environment.GetEnvironmentVariable("DOCKER_CONTEXT") is null)
                return Default;
            host = engine.RunAsync("be asked for its context", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).GetAwaiter().GetResult();
        }

        const string scheme = "unix://";
        return host.StartsWith(scheme, StringComparison.Ordinal)
            ? host[scheme.Length..]
            : throw new EnclosureException($"Docker is at {host}, another machine: an enclosure's sockets can not leave this one. Unset DOCKER_HOST, or choose a local context (docker context use default)");
    }
}
