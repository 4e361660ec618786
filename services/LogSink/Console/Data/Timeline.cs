using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>
/// Filtered records of one session, newest first, over a bounded part of it: no index knows what text a record holds, and a session may have millions. It goes
/// back a slice at a time, so that it can be given up between two, and says how far it came.
/// </summary>
internal sealed class Timeline(EventStore store, IOptions<ConsoleOptions> options)
{
    /// <summary>Some 20 ms.</summary>
    private const int Slice = 10_000;

    public long Head => store.Head.Sequence;

    /// <param name="filter">With a session.</param>
    /// <param name="before">Older than this record.</param>
    /// <param name="most">Records to find.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public TimelinePage Read(EventFilter filter, long before, int most, CancellationToken cancellationToken)
    {
        var rows = new List<EventRow>();
        var (searched, at, left) = (0L, before, options.Value.SearchRecords);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (from, count) = Back(filter.Session!, at, Math.Min(Slice, left));
            if (count == 0)
                return new(rows, searched, TimelineEnd.Beginning, null);
            var (found, more) = filter.Read(store.Database, from - 1, at, newestFirst: true, most - rows.Count, cancellationToken);
            rows.AddRange(found);
            if (more)
                return new(rows, searched, TimelineEnd.Page, rows[^1].Sequence);
            (searched, at, left) = (searched + count, from, left - count);
            if (left <= 0)
                return new(rows, searched, TimelineEnd.Window, at);
        }
    }

    /// <summary>What was stored after the record <paramref name="after"/>: at most a page, and out of a part as large as a search's.</summary>
    /// <returns>The records, and whether some were passed over.</returns>
    public (List<EventRow> Rows, bool More) ReadNewer(EventFilter filter, long after, long head)
    {
        // Where less was stored in all, nothing has to be counted.
        var from = head - after <= options.Value.SearchRecords ? after : Math.Max(after, Back(filter.Session!, head + 1, options.Value.SearchRecords).From - 1);
        return filter.Read(store.Database, from, head + 1, newestFirst: true, SessionQueries.Page);
    }

    // From the index alone.
    private (long From, int Count) Back(string session, long before, int records)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT coalesce(min(sequence), 0), count(*) FROM (SELECT sequence FROM events WHERE session = $session AND sequence < $before ORDER BY sequence DESC LIMIT $records)";
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$before", before);
        command.Parameters.AddWithValue("$records", records);
        using var reader = command.ExecuteReader();
        reader.Read();
        return (reader.GetInt64(0), reader.GetInt32(1));
    }
}

internal enum TimelineEnd
{
    /// <summary>All of the session was looked through.</summary>
    Beginning,

    /// <summary>There may be more behind the last record.</summary>
    Page,

    /// <summary>As many records were looked through as one search does.</summary>
    Window,
}

/// <param name="Rows">Newest first.</param>
/// <param name="Searched">Records that were looked through.</param>
/// <param name="End">Why it ends here.</param>
/// <param name="Before">Where to go on, or null.</param>
internal sealed record TimelinePage(List<EventRow> Rows, long Searched, TimelineEnd End, long? Before);
