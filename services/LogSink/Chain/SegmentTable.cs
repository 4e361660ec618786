using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>What was removed, as the database keeps it.</summary>
internal static class SegmentTable
{
    /// <summary>The record before the oldest that is here: the last one removed, or the genesis value.</summary>
    public static ChainHead Floor(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT last, hash FROM segments ORDER BY first DESC LIMIT 1";
        using var reader = command.ExecuteReader();
        return reader.Read() ? new(reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)) : Store.EventDatabase.Genesis(connection);
    }

    public static void Add(SqliteConnection connection, SqliteTransaction transaction, Segment segment)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO segments (first, last, time, hash, signature) VALUES ($first, $last, $time, $hash, $signature)";
        command.Parameters.AddWithValue("$first", segment.First);
        command.Parameters.AddWithValue("$last", segment.Last);
        command.Parameters.AddWithValue("$time", segment.Ticks);
        command.Parameters.AddWithValue("$hash", segment.Hash);
        command.Parameters.AddWithValue("$signature", segment.Signature);
        command.ExecuteNonQuery();
    }

    /// <summary>Holds every segment against its signature and its neighbours.</summary>
    /// <returns>The first record that is gone without the sink's word for it, and what is wrong; null when nothing is.</returns>
    public static (long FirstBad, string Problem)? Check(SqliteConnection connection, byte[] publicKey, byte[] genesis)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT first, last, time, hash, signature FROM segments ORDER BY first";
        using var reader = command.ExecuteReader();
        for (var next = 1L; reader.Read();)
        {
            var segment = new Segment(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetFieldValue<byte[]>(3), reader.GetFieldValue<byte[]>(4));
            if (segment.First != next || segment.Last < segment.First)
                return (next, $"missing: the records from {next} on were removed, and no segment says so");
            if (!segment.IsSignedBy(publicKey, genesis))
                return (next, $"missing: records {segment.First} to {segment.Last} were removed, and not by this log sink");
            next = segment.Last + 1;
        }

        return null;
    }
}
