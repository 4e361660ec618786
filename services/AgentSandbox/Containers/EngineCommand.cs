using System.Diagnostics;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>The command line of Docker or Podman: the interface that both have, that knows contexts, credentials and rootless set-ups, and that people can repeat by hand.</summary>
/// <param name="name"><c>docker</c> or <c>podman</c>.</param>
/// <param name="path">Absolute path of the program.</param>
/// <param name="runtime">OCI runtime, where it is an option of the whole command (Podman); else null.</param>
internal sealed class EngineCommand(string name, string path, string? runtime = null)
{
    /// <summary>An engine that takes longer than this for one step is stuck; pulling has no bound.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary><c>docker</c> or <c>podman</c>.</summary>
    public string Name => name;

    public string Path => path;

    /// <exception cref="EnclosureException">The engine is not installed.</exception>
    public static EngineCommand Find(string name, string? runtime = null) => new(name, Programs.TryFind(name)
        ?? throw new EnclosureException($"{name} is not installed, and the policy says isolation: {name}: install it (apt-get install {(name == "docker" ? "docker.io" : "podman")}), or see 'gatehouse doctor' for what this machine can do"),
        name == "podman" ? runtime : null);

    /// <summary>The program, and what stands before every command.</summary>
    public IReadOnlyList<string> Prefix => runtime is null ? [path] : [path, "--runtime", runtime];

    /// <summary>Runs it to its end, with its output.</summary>
    public async Task<EngineResult> TryRunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken = default)
    {
        using var process = Start(arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancellationToken.ThrowIfCancellationRequested();
            return new(-1, "", $"no answer in {s_patience.TotalSeconds:0} s");
        }
    }

    /// <exception cref="EnclosureException">It failed: what was being done, and the engine's own words.</exception>
    public async Task<string> RunAsync(string doing, IEnumerable<string> arguments, CancellationToken cancellationToken = default)
    {
        var result = await TryRunAsync(arguments, cancellationToken);
        return result.Code == 0 ? result.Output.Trim() : throw Failure(doing, result);
    }

    public EnclosureException Failure(string doing, EngineResult result)
    {
        var words = LastLine(result.Error);
        return new($"{name} could not {doing}: {words}{Hint(words)}");
    }

    private string Hint(string words)
    {
        var hints = new (string Sign, string Hint)[]
        {
            ("permission denied while trying to connect", "; may you use Docker? Join the group that owns its socket (usermod -aG docker YOU), or write isolation: podman"),
            ("Got permission denied", "; may you use Docker? Join the group that owns its socket (usermod -aG docker YOU), or write isolation: podman"),
            ("Cannot connect to the Docker daemon", "; is it running? Start it (systemctl start docker), or set DOCKER_HOST"),
            ("unknown or invalid runtime", "; agent.runtime names a runtime that the engine does not know: install and register it, or leave runtime out"),
            ("Unknown runtime specified", "; agent.runtime names a runtime that the engine does not know: register it in /etc/docker/daemon.json, or leave runtime out"),
            ("cgroups in hybrid mode", "; crun can not use this machine's cgroups: boot with cgroup v2, or write runtime: runc"),
            ("Resource limits are not supported", "; rootless Podman needs cgroup v2 for limits"),
            ("newuidmap", "; rootless Podman needs the package 'uidmap' and a line for you in /etc/subuid and /etc/subgid"),
            ("No such image", "; make it with 'gatehouse image build', or pull it"),
        };
        return hints.FirstOrDefault(each => words.Contains(each.Sign, StringComparison.OrdinalIgnoreCase)).Hint ?? $" (see 'gatehouse doctor' for what {name} can do here)";
    }

    public Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(path, Prefix.Skip(1).Concat(arguments)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start) ?? throw new EnclosureException($"{path} could not be started");
    }

    private static string LastLine(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.LastOrDefault(each => !each.StartsWith("See '", StringComparison.Ordinal) && !each.StartsWith("Run '", StringComparison.Ordinal)) ?? "it said nothing";
        return line.Length <= 400 ? line : line[..400] + "…";
    }
}

/// <param name="Code">Exit code; -1 when it did not end in time.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record EngineResult(int Code, string Output, string Error);
