using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>Bytes of one session by destination and time, for one who looks on: each record is read once. Not for several threads at a time.</summary>
internal sealed class TrafficQuery(EventStore store, string session)
{
    /// <summary>Bars of a chart.</summary>
    public const int Buckets = 48;

    /// <summary>Destinations that have a colour of their own; the others are one.</summary>
    public const int Shown = 5;

    /// <summary>Newest records that are looked at: a chart of an afternoon, not of a million requests.</summary>
    public const int Most = 20_000;

    private readonly Queue<(long Ticks, string Destination, long Bytes)> _points = [];
    private long _head;
    private bool _isCut;

    public string Session => session;

    /// <summary>With what was stored since it was read the last time.</summary>
    public Traffic Read()
    {
        var head = store.Head.Sequence;
        foreach (var point in Newer(head))
            _points.Enqueue(point);
        for (; _points.Count > Most; _isCut = true)
            _points.Dequeue();
        _isCut |= _head == 0 && HasMore(head);
        _head = head;
        return Sum([.. _points]) with { IsCut = _isCut };
    }

    private bool HasMore(long head)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT EXISTS (SELECT 1 FROM events WHERE session = $session AND sequence <= $head ORDER BY sequence DESC LIMIT 1 OFFSET $most)";
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$head", head);
        command.Parameters.AddWithValue("$most", Most);
        return (long)command.ExecuteScalar()! == 1;
    }

    // Oldest first.
    private List<(long Ticks, string Destination, long Bytes)> Newer(long head)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT time, subject, bytes_sent + bytes_received FROM
                (SELECT time, subject, bytes_sent, bytes_received FROM events WHERE session = $session AND sequence > $after AND sequence <= $head ORDER BY sequence DESC LIMIT $most)
            WHERE bytes_sent + bytes_received > 0
            """;
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$after", _head);
        command.Parameters.AddWithValue("$head", head);
        command.Parameters.AddWithValue("$most", Most);
        using var reader = command.ExecuteReader();
        var points = new List<(long Ticks, string Destination, long Bytes)>();
        // They are kept as long as somebody looks on: each name once.
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read())
        {
            var destination = Destination(reader.GetString(1));
            if (!names.TryAdd(destination, destination))
                destination = names[destination];
            points.Add((reader.GetInt64(0), destination, reader.GetInt64(2)));
        }

        points.Reverse();
        return points;
    }

    private static Traffic Sum(List<(long Ticks, string Destination, long Bytes)> points)
    {
        if (points.Count == 0)
            return Traffic.None;
        var totals = points.GroupBy(point => point.Destination, StringComparer.Ordinal).Select(group => (Name: group.Key, Bytes: group.Sum(point => point.Bytes)))
            .OrderByDescending(total => total.Bytes).ToList();
        var names = totals.Take(Shown).Select(total => total.Name).ToList();
        var (from, to) = (points.Min(point => point.Ticks), points.Max(point => point.Ticks));
        var width = Math.Max(TimeSpan.TicksPerSecond, (to - from) / Buckets + 1);
        var bars = new long[Buckets, Shown + 1];
        foreach (var (ticks, destination, bytes) in points)
        {
            var series = names.IndexOf(destination);
            bars[Math.Min(Buckets - 1, (ticks - from) / width), series < 0 ? Shown : series] += bytes;
        }

        var shown = totals.Take(Shown).ToList();
        if (totals.Count > Shown)
            shown.Add(($"{totals.Count - Shown} others", totals.Skip(Shown).Sum(total => total.Bytes)));
        return new(Time.Of(from), TimeSpan.FromTicks(width), bars, shown);
    }

    // "GET https://host/path", "host:443", "POST name/v1/messages": what stands for the place.
    private static string Destination(string subject)
    {
        var text = subject.AsSpan(subject.IndexOf(' ', StringComparison.Ordinal) + 1);
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        text = scheme < 0 ? text : text[(scheme + 3)..];
        var slash = text.IndexOf('/');
        return (slash < 0 ? text : text[..slash]).ToString();
    }
}

/// <param name="From">Beginning of the first bar.</param>
/// <param name="Width">Time that a bar stands for.</param>
/// <param name="Bars">Bytes: bar, then destination in the order of <paramref name="Totals"/>, the last for all others.</param>
/// <param name="Totals">Destinations with their bytes, most first.</param>
internal sealed record Traffic(DateTimeOffset From, TimeSpan Width, long[,] Bars, List<(string Name, long Bytes)> Totals)
{
    public static Traffic None { get; } = new(default, default, new long[0, 0], []);

    /// <summary>The session has older records, which are not in it.</summary>
    public bool IsCut { get; init; }

    public bool IsEmpty => Totals.Count == 0;

    public long Highest => Enumerable.Range(0, Bars.GetLength(0)).Select(bar => Enumerable.Range(0, Bars.GetLength(1)).Sum(series => Bars[bar, series])).DefaultIfEmpty().Max();
}
