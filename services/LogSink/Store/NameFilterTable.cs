using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The filters of whole blocks, written with the last record of each. What has none, the newest block and what an older version stored, is read when searched.</summary>
internal sealed class NameFilterTable
{
    private readonly SqliteConnection _connection;
    private readonly byte[] _filter = new byte[NameFilter.Length];

    /// <param name="connection">The writer's.</param>
    /// <param name="head">The newest record: what its block has so far is read again.</param>
    public NameFilterTable(SqliteConnection connection, long head)
    {
        _connection = connection;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, subject FROM events WHERE sequence > $before AND sequence <= $head";
        command.Parameters.AddWithValue("$before", NameFilter.BlockOf(head + 1) * NameFilter.Records);
        command.Parameters.AddWithValue("$head", head);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            NameFilter.Add(_filter, reader.GetInt64(0), reader.GetString(1));
    }

    /// <summary>After each record, in order; when the transaction fails, this must be thrown away.</summary>
    public void Add(SqliteTransaction transaction, long sequence, string subject)
    {
        NameFilter.Add(_filter, sequence, subject);
        if (sequence % NameFilter.Records != 0)
            return;
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT OR REPLACE INTO name_filters (block, filter) VALUES ($block, $filter)";
        command.Parameters.AddWithValue("$block", NameFilter.BlockOf(sequence));
        command.Parameters.AddWithValue("$filter", _filter);
        command.ExecuteNonQuery();
        Array.Clear(_filter);
    }

    /// <summary>Ranges of records, one after another in the order asked for, outside of which none between the two has the text in its subject.</summary>
    /// <param name="connection">A reader's.</param>
    /// <param name="text">At least <see cref="NameFilter.Shortest"/> bytes, or everything is one range.</param>
    /// <param name="after">Of records after this one.</param>
    /// <param name="before">Of records before this one.</param>
    /// <param name="newestFirst">The order.</param>
    public static IEnumerable<(long After, long Before)> Candidates(SqliteConnection connection, string text, long after, long before, bool newestFirst)
    {
        var bits = NameFilter.Bits(text);
        if (bits.Length == 0 || after >= before)
        {
            yield return (after, before);
            yield break;
        }

        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT block, filter FROM name_filters WHERE block >= $from AND block <= $to ORDER BY block {(newestFirst ? "DESC" : "ASC")}";
        command.Parameters.AddWithValue("$from", after / NameFilter.Records);
        command.Parameters.AddWithValue("$to", before / NameFilter.Records);
        using var reader = command.ExecuteReader();
        // Whatever lies between two parts that can not have it is a range, with a filter or without.
        var filter = new byte[NameFilter.Length + 1];
        while (reader.Read())
        {
            var read = (int)reader.GetBytes(1, 0, filter, 0, filter.Length);
            for (var i = 0; i < NameFilter.Parts; i++)
            {
                var part = newestFirst ? NameFilter.Parts - 1 - i : i;
                var first = (reader.GetInt64(0) * NameFilter.Records) + (part * NameFilter.PartRecords) + 1;
                var last = first + NameFilter.PartRecords - 1;
                if (last <= after || first >= before || NameFilter.MayContain(filter.AsSpan(0, read), part, bits))
                    continue;
                if (newestFirst)
                {
                    if (before - 1 > last)
                        yield return (last, before);
                    before = first;
                }
                else
                {
                    if (after + 1 < first)
                        yield return (after, first);
                    after = last;
                }
            }
        }

        if (before - 1 > after)
            yield return (after, before);
    }
}
