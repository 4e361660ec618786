using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Walks the chain from the genesis value to the head, one record in memory at a time, and names the first that is not as it was.</summary>
internal sealed class ChainVerification(EventStore store)
{
    /// <summary>Looks at the record as it is now; what is stored meanwhile waits for the next time.</summary>
    public VerificationResult Run(CancellationToken cancellationToken)
    {
        ChainLinks? links = null;
        var floor = 0L;
        try
        {
            using var connection = store.Database.OpenReader();
            var head = store.Snapshot(connection, out var transaction);
            using (transaction)
            {
                var genesis = EventDatabase.Genesis(connection).Hash;
                if (SegmentTable.Check(connection, store.Key.PublicKey, genesis) is { } gone)
                    return VerificationResult.Bad(0, gone.FirstBad, gone.Problem);
                var start = SegmentTable.Floor(connection);
                floor = start.Sequence;
                return Walk(connection, head, genesis, floor, links = new(start), cancellationToken);
            }
        }
        catch (DamagedRecordException e)
        {
            return Bad($"changed: {e.Message}");
        }
        catch (SqliteException e) when (e.SqliteErrorCode is not SQLitePCL.raw.SQLITE_BUSY)
        {
            return Bad($"changed: the database is damaged ({e.Message})");
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException)
        {
            return Bad("changed: a column does not hold what the log sink writes");
        }

        VerificationResult Bad(string problem)
        {
            var at = links?.At.Sequence ?? floor;
            return VerificationResult.Bad(at - floor, at + 1, problem);
        }
    }

    private VerificationResult Walk(SqliteConnection connection, ChainHead head, byte[] genesis, long floor, ChainLinks links, CancellationToken cancellationToken)
    {
        using var checkpoints = new CheckpointWalk(CheckpointTable.InOrder(connection), store.Key.PublicKey, genesis, floor);
        // Below the floor there is nothing, unless somebody put it there.
        foreach (var row in EventReader.Rows(connection, long.MinValue))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Sequence == links.At.Sequence + 1 && row.Sequence > head.Sequence)
                return Bad(row.Sequence, "added: it was not written by this log sink");
            if (links.Follow(row) is { } broken)
            {
                return Bad(links.FirstBad, row.Sequence == links.FirstBad && row.Sequence > links.At.Sequence && Displacement.Find(connection, row, cancellationToken) is { } was
                    ? $"reordered: this is what was recorded as {was}"
                    : broken);
            }

            if (checkpoints.Pass(row.Sequence, row.Hash) is { } problem)
                return VerificationResult.Bad(row.Sequence - 1 - floor, row.Sequence, problem);
        }

        var good = links.At.Sequence;
        if (good < head.Sequence)
            return Bad(good + 1, "truncated: " + ChainLinks.Missing(good + 1, head.Sequence));
        if (checkpoints.Beyond() is { } signed)
            return Bad(good + 1, "truncated: " + ChainLinks.Missing(good + 1, signed) + ", which a checkpoint signed");
        return links.At.Hash.AsSpan().SequenceEqual(head.Hash)
            ? new(true, good - floor, SignedThrough: checkpoints.SignedThrough, Removed: floor == 0 ? null : floor)
            : Bad(head.Sequence, "changed: the chain does not end with the hash that the log sink kept");

        VerificationResult Bad(long firstBad, string problem) => VerificationResult.Bad(links.At.Sequence - floor, firstBad, problem);
    }
}

/// <summary>What <c>GET /verify</c> answers.</summary>
/// <param name="Ok">The chain is whole.</param>
/// <param name="Records">Records found good, from the first on.</param>
/// <param name="FirstBad">The first sequence that is not as it was.</param>
/// <param name="Problem">Begins with <c>missing</c>, <c>changed</c>, <c>reordered</c>, <c>truncated</c> or <c>added</c>.</param>
/// <param name="SignedThrough">The last record that a checkpoint covers; 0 when none does yet.</param>
/// <param name="Removed">Through this record, the sink itself removed what was old or too much, and signed that it did.</param>
internal sealed record VerificationResult(bool Ok, long Records, long? FirstBad = null, string? Problem = null, long? SignedThrough = null, long? Removed = null)
{
    public static VerificationResult Bad(long records, long firstBad, string problem) => new(false, records, firstBad, problem);
}
