using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.Hosting;

/// <summary>The built AppHost that belongs to this command: <c>$GATEHOUSE_APPHOST</c>, else beside it in the build's output.</summary>
internal static class AppHostLocation
{
    private const string Assembly = "Gatehouse.AppHost.dll";

    /// <summary>The command that starts it.</summary>
    public static IReadOnlyList<string> Find()
    {
        foreach (var path in Candidates())
        {
            if (File.Exists(path))
                return [Programs.Dotnet, path];
        }

        throw new LaunchException(ExitCodes.Unavailable, $"{Assembly} was not found beside this command: build it with 'dotnet build AppHost', or name it in GATEHOUSE_APPHOST");
    }

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_APPHOST") is { Length: > 0 } named)
            yield return named;
        var here = AppContext.BaseDirectory;
        yield return Path.Combine(here, "apphost", Assembly);
        // artifacts/{bin,publish}/AgentSandbox/<configuration>/ → artifacts/bin/AppHost/<configuration>/
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(here));
        var artifacts = Path.GetFullPath(Path.Combine(here, "../../.."));
        yield return Path.Combine(artifacts, "bin/AppHost", configuration, Assembly);
        yield return Path.Combine(artifacts, "bin/AppHost/release", Assembly);
        yield return Path.Combine(artifacts, "bin/AppHost/debug", Assembly);
    }
}
