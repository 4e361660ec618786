using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Export;

/// <summary>
/// Reads a part of the chain a page at a time and verifies it: link by link, and against the checkpoints in it. It goes on behind the part to the next checkpoint,
/// whose signature holds for all before it. What is not covered by one yet, the last seconds of the record, is held against the chain's end.
/// </summary>
internal sealed class ExportWalk : IDisposable
{
    private readonly EventStore _store;
    private readonly ExportRange _range;
    private readonly ChainLinks? _links;
    private long _signed;

    public ExportWalk(EventStore store, ExportRange range)
    {
        (_store, _range) = (store, range);
        using var connection = store.Database.OpenReader();
        Genesis = EventDatabase.Genesis(connection).Hash;
        // What was removed is where the walk begins: without the sink's word for it, whoever can write the file chooses the beginning.
        Problem = SegmentTable.Check(connection, store.Key.PublicKey, Genesis)?.Problem;
        if (Problem is not null)
            return;
        _signed = Signed(connection, range.From);
        if (Before(connection, range.From) is { } start)
            _links = new(start);
        else
            Problem = ChainLinks.Missing(range.From - 1, range.From - 1);
    }

    public byte[] Genesis { get; }

    /// <summary>What is wrong with the record, or null.</summary>
    public string? Problem { get; private set; }

    public bool IsOver { get => field || Problem is not null; private set; }

    /// <summary>The next records that were found good, each with the hash of the one before it. Those behind the range are not among them.</summary>
    public List<(EventRow Row, byte[] Previous)> Next(int most)
    {
        var good = new List<(EventRow, byte[])>();
        try
        {
            using var connection = _store.Database.OpenReader();
            Read(connection, most, good);
        }
        catch (Exception e) when (e is DamagedRecordException or SqliteException or InvalidCastException or FormatException or OverflowException)
        {
            Problem = $"changed: record {_links!.At.Sequence + 1} can not be read";
        }

        return good;
    }

    private void Read(SqliteConnection connection, int most, List<(EventRow, byte[])> good)
    {
        // Before the rows: what the head stands for is there.
        var head = _store.Head;
        var from = _links!.At.Sequence;
        var read = 0;
        using var checkpoints = new CheckpointWalk(CheckpointTable.InOrder(connection, from, most), _store.Key.PublicKey, Genesis, _signed);
        foreach (var row in EventReader.Rows(connection, from))
        {
            var previous = _links.At.Hash;
            if (_links.Follow(row) is { } broken)
            {
                Problem = Removed(connection) ?? $"{broken} (record {_links.FirstBad})";
                return;
            }

            if (checkpoints.Pass(row.Sequence, row.Hash) is { } unsigned)
            {
                Problem = $"{unsigned} (record {row.Sequence})";
                return;
            }

            if (row.Sequence == head.Sequence && !row.Hash.AsSpan().SequenceEqual(head.Hash))
            {
                Problem = $"changed: record {row.Sequence} is not the one that the log sink wrote last";
                return;
            }

            if (row.Sequence <= _range.Through)
                good.Add((row, previous));
            _signed = checkpoints.SignedThrough;
            if (row.Sequence >= _range.Through && (_signed >= _range.Through || row.Sequence >= head.Sequence))
            {
                IsOver = true;
                return;
            }

            if (++read == most)
                return;
        }

        if (_links.At.Sequence < _range.Through)
            Problem = Removed(connection) ?? ChainLinks.Missing(_links.At.Sequence + 1, _range.Through);
        IsOver = true;
    }

    /// <summary>Pages are read one after the other, for as long as the reader takes: the next may be gone by the sink's own hand.</summary>
    private string? Removed(SqliteConnection connection) =>
        SegmentTable.Floor(connection).Sequence is var floor && floor > _links!.At.Sequence && SegmentTable.Check(connection, _store.Key.PublicKey, Genesis) is null
            ? $"removed: the records through {floor} were removed meanwhile, as LogSink:Retention says. Export again"
            : null;

    private static long Signed(SqliteConnection connection, long before)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT max(coalesce((SELECT max(sequence) FROM checkpoints WHERE sequence < $before), 0), coalesce((SELECT max(last) FROM segments), 0))";
        command.Parameters.AddWithValue("$before", before);
        return (long)command.ExecuteScalar()!;
    }

    private static ChainHead? Before(SqliteConnection connection, long sequence)
    {
        var floor = SegmentTable.Floor(connection);
        if (floor.Sequence == sequence - 1)
            return floor;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT hash FROM events WHERE sequence = $sequence";
        command.Parameters.AddWithValue("$sequence", sequence - 1);
        return command.ExecuteScalar() is byte[] { Length: ChainHead.HashLength } hash ? new(sequence - 1, hash) : null;
    }

    public void Dispose() => IsOver = true;
}
