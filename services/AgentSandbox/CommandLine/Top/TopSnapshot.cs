using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;

namespace Gatehouse.AgentSandbox.CommandLine.Top;

/// <summary>What runs and what waits at one moment. Every text in it is printable.</summary>
/// <param name="At">When.</param>
/// <param name="Running">Newest first.</param>
/// <param name="Waiting">Oldest first.</param>
internal sealed record TopSnapshot(DateTimeOffset At, ImmutableArray<RunningSession> Running, ImmutableArray<WaitingAsk> Waiting)
{
    private const int MostSessions = 1_000;

    /// <summary>A sink that is stopped must not look like one where nothing happens.</summary>
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(5);

    /// <exception cref="LaunchException">The sink is gone, or does not answer.</exception>
    public static async Task<TopSnapshot> ReadAsync(LogSinkClient sink, TimeProvider time, CancellationToken cancelled)
    {
        var (now, running, waiting) = (time.GetUtcNow(), ImmutableArray.CreateBuilder<RunningSession>(), ImmutableArray.CreateBuilder<WaitingAsk>());
        await foreach (var (line, isAsk) in LinesAsync(sink, cancelled))
        {
            using var document = JsonDocument.Parse(line);
            var each = document.RootElement;
            if (isAsk)
            {
                var id = each.Text("id");
                waiting.Add(new(Printable.Line(id.Length > 8 ? id[^8..] : id), Printable.Line(each.Text("subject")), each.Time("expires") - now, Printable.Line(each.Text("session"))));
            }
            else
            {
                running.Add(new(Printable.Line(each.Text("session")), now - each.Time("started"), each.Number("allowed"), each.Number("denied"),
                    each.Number("bytesSent"), each.Number("bytesReceived"), Printable.Line(each.Text("command"))));
            }
        }

        return new(now, running.ToImmutable(), waiting.ToImmutable());
    }

    /// <summary>As the sink has them: the sessions that run, then the asks that wait.</summary>
    /// <exception cref="LaunchException">The sink is gone, or does not answer.</exception>
    public static async IAsyncEnumerable<(string Line, bool IsAsk)> LinesAsync(
        LogSinkClient sink, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancelled)
    {
        foreach (var line in await ReadAsync(sink, $"/sessions?limit={MostSessions}", cancelled))
        {
            bool isOver;
            using (var document = JsonDocument.Parse(line))
                isOver = document.RootElement.TryGetProperty("ended", out _);
            if (!isOver)
                yield return (line, false);
        }

        foreach (var line in await ReadAsync(sink, "/asks?state=waiting", cancelled))
            yield return (line, true);
    }

    private static async Task<List<string>> ReadAsync(LogSinkClient sink, string path, CancellationToken cancelled)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        limit.CancelAfter(s_within);
        var lines = new List<string>();
        try
        {
            await foreach (var line in sink.ReadLinesAsync(path, limit.Token))
                lines.Add(line);
        }
        catch (OperationCanceledException) when (!cancelled.IsCancellationRequested)
        {
            throw new LaunchException(ExitCodes.Unavailable, $"the log sink has not answered within {s_within.TotalSeconds:0} s: see 'gatehouse status'");
        }

        return lines;
    }
}

internal sealed record RunningSession(string Session, TimeSpan Age, long Allowed, long Denied, long Sent, long Received, string Command);

/// <param name="Id">As much of it as 'gatehouse approve' takes.</param>
/// <param name="Subject">What it would reach.</param>
/// <param name="Left">Until it is denied by itself.</param>
/// <param name="Session">Whose.</param>
internal sealed record WaitingAsk(string Id, string Subject, TimeSpan Left, string Session);
