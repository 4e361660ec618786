using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>Records as the database keeps them.</summary>
internal static class EventReader
{
    /// <summary>What <see cref="Read"/> expects of a query, in this order.</summary>
    public const string Columns =
        "sequence, id, time, session, gate, action, subject, verdict, rule, reason, bytes_sent, bytes_received, duration_ms, trace_id, attempt, detail, hash";

    /// <summary>Records in order, one at a time.</summary>
    /// <exception cref="DamagedRecordException">A record is not one that the sink wrote.</exception>
    public static IEnumerable<EventRow> Rows(SqliteConnection connection, long after)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM events WHERE sequence > $after ORDER BY sequence";
        command.Parameters.AddWithValue("$after", after);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return Read(reader);
    }

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
        Hash = ReadBytes(reader, 16, ChainHead.HashLength),
    };

    private static string? ReadText(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static Guid ReadId(SqliteDataReader reader, int column) => new(ReadBytes(reader, column, 16), bigEndian: true);

    private static byte[] ReadBytes(SqliteDataReader reader, int column, int length)
    {
        var bytes = reader.GetFieldValue<byte[]>(column);
        return bytes.Length == length ? bytes : throw new DamagedRecordException($"its {reader.GetName(column)} has {bytes.Length} bytes, not {length}");
    }
}
