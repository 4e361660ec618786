using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Checkpoints as the database keeps them.</summary>
internal static class CheckpointTable
{
    /// <summary>The sequence that the newest covers; 0 when there is none.</summary>
    public static long Newest(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(sequence), 0) FROM checkpoints";
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

    public static IEnumerable<Checkpoint> InOrder(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, previous, time, hash, signature FROM checkpoints ORDER BY sequence";
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetFieldValue<byte[]>(3), reader.GetFieldValue<byte[]>(4));
    }
}
