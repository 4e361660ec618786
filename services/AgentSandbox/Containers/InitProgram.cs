using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>The static program that is process 1 of a container, and that makes sockets in its namespace: <c>$GATEHOUSE_INIT</c>, else beside this command.</summary>
internal static class InitProgram
{
    public const string Name = "gatehouse-init";

    /// <exception cref="EnclosureException">It is not there.</exception>
    public static string Find()
    {
        var here = AppContext.BaseDirectory;
        // artifacts/{bin,publish}/AgentSandbox/<configuration>/ → artifacts/publish/EnclosureInit/release/
        var artifacts = Path.GetFullPath(Path.Combine(here, "../../.."));
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("GATEHOUSE_INIT"), Path.Combine(here, Name), Path.Combine(artifacts, "publish/EnclosureInit/release", Name),
        ];
        return candidates.FirstOrDefault(path => path is { Length: > 0 } && File.Exists(path))
            ?? throw new EnclosureException($"{Name} was not found beside this command: build it with 'dotnet publish services/EnclosureInit -c Release', or name it in GATEHOUSE_INIT");
    }
}
