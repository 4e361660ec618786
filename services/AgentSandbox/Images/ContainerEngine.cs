using System.ComponentModel;
using System.Diagnostics;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.Images;

/// <summary>The command of a container engine on this machine, found in PATH.</summary>
internal sealed class ContainerEngine
{
    private static readonly string[] Known = ["docker", "podman"];

    private ContainerEngine(string name, string path)
    {
        Name = name;
        Path = path;
    }

    public string Name { get; }

    public string Path { get; }

    /// <param name="name">docker or podman; null: the first that is installed.</param>
    /// <exception cref="LaunchException">None is installed.</exception>
    public static ContainerEngine Find(string? name)
    {
        foreach (var candidate in name is null ? Known : [name])
        {
            foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            {
                var path = System.IO.Path.Combine(folder, candidate);
                if (System.IO.Path.IsPathFullyQualified(folder) && File.Exists(path))
                    return new(candidate, path);
            }
        }

        throw new LaunchException(ExitCodes.Unavailable, name is null
            ? "no container engine is in PATH: install Docker or Podman"
            : $"--engine {name}: no such command in PATH: install it, or name the other engine (docker, podman)");
    }

    /// <summary>Starts it with both outputs piped.</summary>
    /// <exception cref="LaunchException">It can not be started.</exception>
    public Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // Docker's BuildKit is a plug-in that smaller installations lack, and then the build is refused unless told so.
        if (Name == "docker" && !HasBuildx())
            start.Environment["DOCKER_BUILDKIT"] = "0";
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception e)
        {
            throw new LaunchException(ExitCodes.Unavailable, $"{Path} does not start ({e.Message}): reinstall {Name}, or choose another with --engine");
        }
    }

    private static bool HasBuildx()
    {
        var home = Environment.GetEnvironmentVariable("DOCKER_CONFIG")
            ?? System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");
        string[] folders =
        [
            home + "/cli-plugins", "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
            "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins",
        ];
        return Array.Exists(folders, folder => File.Exists(folder + "/docker-buildx"));
    }
}
