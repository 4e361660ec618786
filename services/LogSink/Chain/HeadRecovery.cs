using System.Security.Cryptography;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>
/// Where the chain goes on, from what the head file and the database each say. A crash between commit and head file leaves the database ahead by
/// one commit, which is taken over. Anything else leaves a mark that every later verification finds, because the next record is chained to
/// the known head, or a sequence number is left out: nothing that was removed is ever papered over.
/// </summary>
internal static class HeadRecovery
{
    /// <param name="connection">The database.</param>
    /// <param name="known">What the head file says; null when it is not there.</param>
    /// <param name="mostAhead">By how many records the database may be ahead.</param>
    public static RecoveredHead Recover(SqliteConnection connection, ChainHead? known, int mostAhead)
    {
        var genesis = EventDatabase.Genesis(connection);
        var last = Last(connection) ?? genesis;
        if (known is null)
        {
            return last.Sequence == 0
                ? new(genesis, null)
                : new(Skip(last), "the head file is missing or damaged: records may have been removed");
        }

        if (last.Sequence < known.Sequence)
            return new(known, $"the last records are missing: the database ends with {last.Sequence}, the head file says {known.Sequence}");
        var at = known.Sequence == 0 ? genesis : At(connection, known.Sequence);
        if (!known.Equals(at))
            return new(last.Sequence == known.Sequence ? known : Skip(last), $"record {known.Sequence} is not the one that the head file knows");
        if (last.Sequence - known.Sequence <= mostAhead && Follows(connection, known, last))
            return new(last, null);
        return new(Skip(last), $"records after {known.Sequence} were not written by this log sink");
    }

    private static ChainHead Skip(ChainHead last) => new(last.Sequence + 1, last.Hash);

    private static bool Follows(SqliteConnection connection, ChainHead known, ChainHead last)
    {
        var form = new CanonicalForm();
        var head = known;
        try
        {
            foreach (var row in EventReader.Rows(connection, known.Sequence))
            {
                var hash = form.Hash(head.Hash, head.Sequence + 1, row);
                if (row.Sequence != head.Sequence + 1 || !hash.AsSpan().SequenceEqual(row.Hash))
                    return false;
                head = new(row.Sequence, hash);
            }
        }
        catch (DamagedRecordException)
        {
            return false;
        }

        return head.Equals(last);
    }

    private static ChainHead? Last(SqliteConnection connection) => Read(connection, "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1", 0);

    private static ChainHead? At(SqliteConnection connection, long sequence) => Read(connection, "SELECT sequence, hash FROM events WHERE sequence = $sequence", sequence);

    private static ChainHead? Read(SqliteConnection connection, string sql, long sequence)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$sequence", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() ? new(reader.GetInt64(0), Whole(reader.GetFieldValue<byte[]>(1))) : null;
    }

    // A hash of another length is somebody else's work. The chain needs one of its own length to go on from; the record is found bad anyway.
    private static byte[] Whole(byte[] hash) => hash.Length == ChainHead.HashLength ? hash : SHA256.HashData(hash);
}

/// <summary>The head to go on from, and what is wrong with the record, if anything.</summary>
internal sealed record RecoveredHead(ChainHead Head, string? Problem);
