using System.Diagnostics;
using System.Threading.Channels;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.Images;

/// <summary>One run of an engine's build.</summary>
internal static class ImageBuild
{
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(5);

    /// <exception cref="LaunchException">It failed: the engine's last lines, then what to do.</exception>
    /// <exception cref="OperationCanceledException">The engine was stopped; what it cached stays, the image's name keeps its old meaning.</exception>
    public static async Task RunAsync(
        ContainerEngine engine, string tag, string? baseImage, IEnumerable<string> buildArguments, BuildProgress progress, CancellationToken cancellation)
    {
        using var context = BuildContext.Create();
        var arguments = new List<string> { "build", "--network", "host", "--tag", tag };
        foreach (var argument in baseImage is null ? buildArguments : buildArguments.Prepend("BASE=" + baseImage))
            arguments.AddRange(["--build-arg", argument]);
        arguments.Add(context.Path);

        using var process = engine.Start(arguments);
        try
        {
            var lines = Channel.CreateBounded<string>(256);
            var reading = Task.WhenAll(
                PumpAsync(process.StandardOutput, lines.Writer, cancellation), PumpAsync(process.StandardError, lines.Writer, cancellation));
            _ = reading.ContinueWith(_ => lines.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
            var tick = second.WaitForNextTickAsync(cancellation).AsTask();
            var more = lines.Reader.WaitToReadAsync(cancellation).AsTask();
            while (true)
            {
                if (await Task.WhenAny(more, tick) == tick)
                {
                    _ = await tick;
                    progress.Tick();
                    tick = second.WaitForNextTickAsync(cancellation).AsTask();
                    continue;
                }

                if (!await more)
                    break;
                while (lines.Reader.TryRead(out var line))
                    progress.Read(line);
                more = lines.Reader.WaitToReadAsync(cancellation).AsTask();
            }

            await process.WaitForExitAsync(cancellation);
        }
        finally
        {
            progress.Clear();
            await StopAsync(process);
        }

        if (process.ExitCode != 0)
            throw new LaunchException(ExitCodes.Unavailable, Explain(engine, tag, baseImage, [.. progress.LastLines]));
    }

    private static string Explain(ContainerEngine engine, string tag, string? baseImage, string[] lines)
    {
        var all = string.Join('\n', lines);
        var fix = all.Contains("Cannot connect to the Docker daemon", StringComparison.Ordinal) ? $"{engine.Name} does not answer: start it, or set DOCKER_HOST"
            : all.Contains("permission denied", StringComparison.OrdinalIgnoreCase) && all.Contains("docker.sock", StringComparison.Ordinal)
                ? "you may not use the Docker socket: join the group docker, or use --engine podman"
            : all.Contains("pull access denied", StringComparison.Ordinal) || all.Contains("registry-1", StringComparison.Ordinal)
                ? $"the base {baseImage ?? "debian:bookworm-slim"} can not be pulled: give one that is here with --base (deploy/images/base.sh makes one)"
            : all.Contains("certificate", StringComparison.OrdinalIgnoreCase) ? "a proxy's certificate is not trusted: set SSL_CERT_FILE to a bundle that has its authority"
            : "mend what the engine says above, or leave out what failed from --with";
        return string.Join('\n', lines.TakeLast(8)) + $"\n{engine.Name} could not build {tag}: {fix}";
    }

    private static async Task PumpAsync(StreamReader from, ChannelWriter<string> to, CancellationToken cancellation)
    {
        while (await from.ReadLineAsync(cancellation) is { } line)
            await to.WriteAsync(line, cancellation);
    }

    // The engine's client going away is what cancels the build in its daemon.
    private static async Task StopAsync(Process process)
    {
        if (process.HasExited)
            return;
        process.Kill(entireProcessTree: true);
        using var bound = new CancellationTokenSource(KillWait);
        await process.WaitForExitAsync(bound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
