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

    private const int MostNamed = 3;

    /// <param name="run">Where the sink is found.</param>
    /// <param name="session">Session id.</param>
    /// <returns>Ready to print; null when the record can not be read now.</returns>
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
        catch (Exception e) when (e is LaunchException or OperationCanceledException or JsonException or IOException or HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<string?> ReadAsync(LogSinkClient sink, string session, CancellationToken cancelled)
    {
        string? totals = null;
        var denied = 0L;
        // Newest first: it is among the first unless many run at a time.
        await foreach (var line in sink.ReadLinesAsync("/sessions?limit=200", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            var each = document.RootElement;
            if (each.Text("session") != session)
                continue;
            denied = each.Number("denied");
            totals = $"session {session}: {each.Number("allowed")} allowed, {denied} denied, {Bytes.Display(each.Number("bytesSent"))} out, {Bytes.Display(each.Number("bytesReceived"))} in";
            break;
        }

        if (totals is null || denied == 0)
            return totals;
        var subjects = new Dictionary<string, int>(StringComparer.Ordinal);
        await foreach (var line in sink.ReadLinesAsync($"/events?session={Uri.EscapeDataString(session)}&verdict=denied&order=desc&limit=1000", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            // What was asked about and denied has a verdict of its own.
            if (BoundaryActions.IsAsk(document.RootElement.Text("action")))
                continue;
            var subject = document.RootElement.Text("subject");
            subjects[subject] = subjects.GetValueOrDefault(subject) + 1;
        }

        var most = subjects.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(MostNamed)
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{Cut(Printable.Line(pair.Key))} ({pair.Value})"));
        return $"{totals}\ndenied most: {string.Join(", ", most)}\nsee 'gatehouse log {session}'; to allow what was denied: 'gatehouse policy learn {session}'";
    }

    private static string Cut(string text) => text.Length <= 60 ? text : text[..59] + "…";
}
