using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Checkpoints as the database keeps them.</summary>
internal static class CheckpointTable
{
    /// <summary>The sequence through which records are signed: by the newest, or by the segment that the last ones were removed with; 0 when neither is.</summary>
    public static long Newest(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT max(coalesce((SELECT max(sequence) FROM checkpoints), 0), coalesce((SELECT max(last) FROM segments), 0))";
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>Adds one, if the record that it covers is there as it says: a head that stands for missing records is never signed.</summary>
    /// <returns>Whether it was.</returns>
    public static bool Add(SqliteConnection connection, SqliteTransaction? transaction, Checkpoint checkpoint)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            INSERT INTO checkpoints (sequence, previous, time, hash, signature)
            SELECT sequence, $previous, $time, hash, $signature FROM events WHERE sequence = $sequence AND hash = $hash
            ON CONFLICT (sequence) DO NOTHING
            """;
        command.Parameters.AddWithValue("$sequence", checkpoint.Sequence);
        command.Parameters.AddWithValue("$previous", checkpoint.Previous);
        command.Parameters.AddWithValue("$time", checkpoint.Ticks);
        command.Parameters.AddWithValue("$hash", checkpoint.Hash);
        command.Parameters.AddWithValue("$signature", checkpoint.Signature);
        return command.ExecuteNonQuery() == 1;
    }

    /// <param name="connection">The database.</param>
    /// <param name="after">Only those of later records.</param>
    /// <param name="most">At most so many; -1 for all.</param>
    public static IEnumerable<Checkpoint> InOrder(SqliteConnection connection, long after = 0, int most = -1)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, previous, time, hash, signature FROM checkpoints WHERE sequence > $after ORDER BY sequence LIMIT $most";
        command.Parameters.AddWithValue("$after", after);
        command.Parameters.AddWithValue("$most", most);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetFieldValue<byte[]>(3), reader.GetFieldValue<byte[]>(4));
    }
}
