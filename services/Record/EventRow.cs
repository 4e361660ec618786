using Gatehouse.Policy.Events;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// An event as it is stored. Words stay words, so that a record that somebody changed can still be read, hashed and shown to be
/// changed.
/// </summary>
internal sealed record EventRow
{
    /// <summary>What <see cref="Read"/> expects of a query, in this order.</summary>
    public const string Columns =
        "sequence, id, time, session, gate, action, subject, verdict, rule, reason, bytes_sent, bytes_received, duration_ms, trace_id, attempt, detail, hash";

    public long Sequence { get; init; }

    public required Guid Id { get; init; }

    /// <summary>100 ns since 0001-01-01T00:00:00Z.</summary>
    public required long Ticks { get; init; }

    public required string Session { get; init; }

    public required string Gate { get; init; }

    public required string Action { get; init; }

    public required string Subject { get; init; }

    public required string Verdict { get; init; }

    public string? Rule { get; init; }

    public string? Reason { get; init; }

    public long BytesSent { get; init; }

    public long BytesReceived { get; init; }

    public double DurationMs { get; init; }

    public string? TraceId { get; init; }

    public Guid? Attempt { get; init; }

    /// <summary>See <see cref="DetailJson"/>.</summary>
    public string? Detail { get; init; }

    public byte[] Hash { get; init; } = [];

    public static EventRow From(BoundaryEvent each) => new()
    {
        Id = each.Id,
        Ticks = each.Time.UtcTicks,
        Session = each.Session,
        Gate = Words.Of(each.Gate),
        Action = each.Action,
        Subject = each.Subject,
        Verdict = Words.Of(each.Verdict),
        Rule = each.Rule,
        Reason = each.Reason,
        BytesSent = each.BytesSent,
        BytesReceived = each.BytesReceived,
        // SQLite does not keep the sign of zero, and the hash would see it.
        DurationMs = each.DurationMs == 0 ? 0 : each.DurationMs,
        TraceId = each.TraceId,
        Attempt = each.Attempt,
        Detail = DetailJson.Write(each.Detail),
    };

    /// <exception cref="DamagedRecordException">An identifier or a hash has not the length it was written with.</exception>
    public static EventRow Read(SqliteDataReader reader) => new()
    {
        Sequence = reader.GetInt64(0),
        Id = ReadId(reader, 1),
        Ticks = reader.GetInt64(2),
        Session = reader.GetString(3),
        Gate = reader.GetString(4),
        Action = reader.GetString(5),
        Subject = reader.GetString(6),
        Verdict = reader.GetString(7),
        Rule = ReadText(reader, 8),
        Reason = ReadText(reader, 9),
        BytesSent = reader.GetInt64(10),
        BytesReceived = reader.GetInt64(11),
        DurationMs = reader.GetDouble(12),
        TraceId = ReadText(reader, 13),
        Attempt = reader.IsDBNull(14) ? null : ReadId(reader, 14),
        Detail = ReadText(reader, 15),
        Hash = ReadBytes(reader, 16, Chain.ChainHead.HashLength),
    };

    private static string? ReadText(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static Guid ReadId(SqliteDataReader reader, int column) => new(ReadBytes(reader, column, 16), bigEndian: true);

    private static byte[] ReadBytes(SqliteDataReader reader, int column, int length)
    {
        var bytes = reader.GetFieldValue<byte[]>(column);
        return bytes.Length == length ? bytes : throw new DamagedRecordException($"its {reader.GetName(column)} has {bytes.Length} bytes, not {length}");
    }
}
