using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Recording;

/// <summary>What <c>run</c> says at its end: one to three lines, from the record.</summary>
internal static class SessionSummary
{
    /// <summary>The agent has ended; nobody waits long for figures.</summary>
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(2);

    /// <summary>A gate delivers its last events, and then its seal, some 50 ms after the session's end.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(40);

    /// <summary>Kept of the two seconds for what was denied most.</summary>
    private static readonly TimeSpan s_forNames = TimeSpan.FromMilliseconds(400);

    private static readonly string[] s_gates = ["dns", "egress", "secrets"];

    private const int MostNamed = 3;

    /// <param name="run">Where the sink is found.</param>
    /// <param name="session">Session id.</param>
    /// <returns>Ready to print; null when there is no sink.</returns>
    /// <example>
    /// <code>
    /// session 0k3…: 14 allowed, 3 denied, 12.4 KiB out, 1.1 MiB in
    /// denied most: evil.test A (2), pypi.org:443 (1)
    /// see 'gatehouse log 0k3…'; to allow what was denied: 'gatehouse policy learn 0k3…'
    /// </code>
    /// </example>
    public static async Task<string?> TryReadAsync(RunDirectory run, string session)
    {
        using var timeout = new CancellationTokenSource(s_within);
        try
        {
            using var sink = LogSinkClient.TryOpen(run);
            return sink is null ? null : await ReadAsync(sink, session, timeout.Token);
        }
        catch (Exception e) when (e is LaunchException or OperationCanceledException or JsonException)
        {
            return $"session {session}: the record could not be read in time: see 'gatehouse log {session}'";
        }
    }

    private static async Task<string?> ReadAsync(LogSinkClient sink, string session, CancellationToken cancelled)
    {
        if (await TotalsAsync(sink, session, cancelled) is not var (denied, isWhole, figures))
            return null;
        // An unfinished count must not look like "nothing was denied".
        var totals = $"session {session}: {(isWhole ? "" : "so far ")}{figures}{(isWhole ? "" : $"; not every gate has delivered: see 'gatehouse log {session}'")}";
        if (denied == 0)
            return totals;
        var subjects = new Dictionary<string, int>(StringComparer.Ordinal);
        try
        {
            await foreach (var line in sink.ReadLinesAsync($"/events?session={Uri.EscapeDataString(session)}&verdict=denied&order=desc&limit=1000", cancelled))
            {
                using var document = JsonDocument.Parse(line);
                // What was asked about and denied has a verdict of its own.
                if (BoundaryActions.IsAsk(document.RootElement.Text("action")))
                    continue;
                var subject = document.RootElement.Text("subject");
                subjects[subject] = subjects.GetValueOrDefault(subject) + 1;
            }
        }
        catch (OperationCanceledException)
        {
            // The figures are known, and worth more than the names.
        }

        var most = subjects.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(MostNamed)
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{Cut(Printable.Line(pair.Key))} ({pair.Value})"));
        var named = subjects.Count > 0 ? $"denied most: {string.Join(", ", most)}\n" : "";
        return $"{totals}\n{named}see 'gatehouse log {session}'; to allow what was denied: 'gatehouse policy learn {session}'";
    }

    /// <summary>What the record has of a session once every gate has said its last word on it, or what it has when the time is over.</summary>
    private static async Task<(long Denied, bool IsWhole, string Figures)?> TotalsAsync(LogSinkClient sink, string session, CancellationToken cancelled)
    {
        (long Denied, bool IsWhole, string Figures)? last = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        limit.CancelAfter(s_within - s_forNames);
        try
        {
            while (last is not { IsWhole: true })
            {
                await foreach (var line in sink.ReadLinesAsync($"/sessions?session={Uri.EscapeDataString(session)}", limit.Token))
                {
                    using var document = JsonDocument.Parse(line);
                    var each = document.RootElement;
                    var isWhole = each.TryGetProperty("ended", out _) && each.TryGetProperty("gates", out var gates) && s_gates.All(gate => IsSealed(gates, gate));
                    var denied = each.Number("denied");
                    last = (denied, isWhole, $"{each.Number("allowed")} allowed, {denied} denied, {Bytes.Display(each.Number("bytesSent"))} out, {Bytes.Display(each.Number("bytesReceived"))} in");
                }

                if (last is not { IsWhole: true })
                    await Task.Delay(s_again, limit.Token);
            }
        }
        catch (OperationCanceledException) when (last is not null)
        {
            // So far.
        }

        return last;
    }

    private static bool IsSealed(JsonElement gates, string name) =>
        gates.TryGetProperty(name, out var gate) && gate.TryGetProperty("sealed", out _) && gate.Number("records") >= gate.Number("sealed");

    private static string Cut(string text) => text.Length <= 60 ? text : text[..59] + "…";
}
