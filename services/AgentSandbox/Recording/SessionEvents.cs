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
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(3), s_startWithin = TimeSpan.FromSeconds(10), s_again = TimeSpan.FromMilliseconds(200);

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
    public Task<bool> TryRecordAsync(BoundaryEvent each) => TryRecordAsync(each, s_within);

    /// <summary>Likewise, of a session's start. Without it there is no session: it is worth a wait for a sink that has only just started, or a disk that is busy.</summary>
    public async Task<bool> TryRecordStartAsync(BoundaryEvent start)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var left = s_startWithin - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
                return false;
            if (await TryRecordAsync(start, left))
                return true;
            await Task.Delay(s_again, time);
        }
    }

    private async Task<bool> TryRecordAsync(BoundaryEvent each, TimeSpan within)
    {
        using var sink = LogSinkClient.TryOpen(run);
        return sink is not null && await sink.TryPostAsync([each], within);
    }

    /// <summary>In the sink, or kept for a later command. Of what has happened already: what keeps it from both is said, and undoes nothing.</summary>
    /// <returns>False when it is neither.</returns>
    public async Task<bool> RecordAsync(BoundaryEvent each)
    {
        if (await TryRecordAsync(each))
            return true;
        try
        {
            Keep(each);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Terminal.Say($"the record will lack '{each.Action}' of session {each.Session}: the log sink did not take it, and it can not be kept ({e.Message})");
            return false;
        }
    }

    /// <summary>Sends what earlier commands had to keep. Never in the way of the command itself.</summary>
    public async Task ReplayAsync()
    {
        try
        {
            await SendKeptAsync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Terminal.Say($"events that wait for the log sink in {Spool} can not be sent: {e.Message}");
        }
    }

    private void Keep(BoundaryEvent each)
    {
        var folder = Directory.CreateDirectory(Spool);
        if (folder.EnumerateFiles().Take(MaxSpooled + 1).Count() > MaxSpooled)
            throw new IOException($"{MaxSpooled} events wait in {Spool} already");
        var path = Path.Combine(Spool, each.Id.ToString("N"));
        try
        {
            using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, each, EventJson.Default.BoundaryEvent);
                // Under its name it is whole, also after a power failure.
                file.Flush(flushToDisk: true);
            }

            File.Move(path + ".new", path + ".json");
        }
        finally
        {
            File.Delete(path + ".new");
        }
    }

    private async Task SendKeptAsync()
    {
        if (!Directory.Exists(Spool) || Directory.GetFiles(Spool, "*.json") is not { Length: > 0 } kept)
            return;
        using var sink = LogSinkClient.TryOpen(run);
        if (sink is null)
            return;
        foreach (var batch in kept.Order(StringComparer.Ordinal).Chunk(500))
        {
            var events = batch.Select(path => (Path: path, Event: Read(path))).Where(each => each.Event is not null).ToList();
            if (events.Count > 0 && !await sink.TryPostAsync(events.Select(each => each.Event!), s_within))
                return;
            foreach (var (path, _) in events)
                File.Delete(path);
        }
    }

    /// <returns>Null for one that another command has sent meanwhile, and for one that can not be read: that is set aside, and in nobody's way from then on.</returns>
    private static BoundaryEvent? Read(string path)
    {
        string why;
        try
        {
            if (JsonSerializer.Deserialize(File.ReadAllBytes(path), EventJson.Default.BoundaryEvent) is { } each)
                return each;
            why = "it holds no event";
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            why = e.Message;
        }

        var aside = Path.ChangeExtension(path, ".unreadable");
        File.Move(path, aside, overwrite: true);
        Terminal.Say($"an event that waited for the log sink can not be read, and is set aside in {aside}: {why}");
        return null;
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
