using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Recording;

/// <summary>
/// What the launcher itself records about a session. An event that the sink can not take is kept in the state directory and sent by a later
/// command: at least once, and stored once, since its id stays.
/// </summary>
internal sealed class SessionEvents(StateDirectory state, RunDirectory run, TimeProvider time)
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(3);

    /// <summary>Enough for every session of a year that ended while no sink ran.</summary>
    private const int MaxSpooled = 10_000;

    private string Spool => Path.Combine(state.Path, "spool", "launcher");

    public BoundaryEvent Create(
        string session, string traceId, Boundary boundary, string action, string subject, params (string Name, string? Value)[] detail) => new()
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Time = time.GetUtcNow(),
            Session = session,
            Gate = boundary,
            Action = action,
            Subject = Cut(subject, 2048),
            Verdict = VerdictKind.Allowed,
            TraceId = traceId.Length == 0 ? null : traceId,
            Detail = detail.Where(entry => entry.Value is not null)
                .ToImmutableSortedDictionary(entry => entry.Name, entry => Cut(entry.Value!, 4096), StringComparer.Ordinal),
        };

    /// <summary>What became of the files that a session changed.</summary>
    /// <param name="session">Session id.</param>
    /// <param name="traceId">Its trace, or empty.</param>
    /// <param name="action">One of <see cref="BoundaryActions.Changes"/>.</param>
    /// <param name="changes">What is left of them.</param>
    public BoundaryEvent CreateChanges(string session, string traceId, string action, LeftChanges changes) =>
        Create(session, traceId, Boundary.Filesystem, action, changes.Summary, ("summary", changes.Summary), ("waiting", changes.Waiting?.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Durably in the sink, or not at all.</summary>
    public async Task<bool> TryRecordAsync(BoundaryEvent each)
    {
        using var sink = LogSinkClient.TryOpen(run);
        return sink is not null && await sink.TryPostAsync([each], s_within);
    }

    /// <summary>In the sink, or kept for a later command.</summary>
    public async Task RecordAsync(BoundaryEvent each)
    {
        if (await TryRecordAsync(each))
            return;
        var folder = Directory.CreateDirectory(Spool);
        if (folder.EnumerateFiles().Take(MaxSpooled + 1).Count() > MaxSpooled)
            return;
        var path = Path.Combine(Spool, each.Id.ToString("N"));
        await File.WriteAllTextAsync(path + ".new", JsonSerializer.Serialize(each, EventJson.Default.BoundaryEvent));
        File.Move(path + ".new", path + ".json");
    }

    /// <summary>Sends what earlier commands had to keep.</summary>
    public async Task ReplayAsync()
    {
        if (!Directory.Exists(Spool) || Directory.GetFiles(Spool, "*.json") is not { Length: > 0 } kept)
            return;
        using var sink = LogSinkClient.TryOpen(run);
        if (sink is null)
            return;
        foreach (var batch in kept.Order(StringComparer.Ordinal).Chunk(500))
        {
            var events = batch.Select(path => JsonSerializer.Deserialize(File.ReadAllText(path), EventJson.Default.BoundaryEvent)).OfType<BoundaryEvent>();
            if (!await sink.TryPostAsync(events, s_within))
                return;
            foreach (var path in batch)
                File.Delete(path);
        }
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
