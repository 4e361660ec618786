using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Walks the chain from the genesis value to the head, one record in memory at a time, and names the first that is not as it was.</summary>
internal sealed class ChainVerification(EventStore store)
{
    /// <summary>Looks at the record as it is now; what is stored meanwhile waits for the next time.</summary>
    public VerificationResult Run(CancellationToken cancellationToken)
    {
        var good = 0L;
        try
        {
            using var connection = store.Database.OpenReader();
            var head = store.Snapshot(connection, out var transaction);
            using (transaction)
                return Walk(connection, head, ref good, cancellationToken);
        }
        catch (DamagedRecordException e)
        {
            return VerificationResult.Bad(good, good + 1, $"changed: {e.Message}");
        }
        catch (SqliteException e) when (e.SqliteErrorCode is not SQLitePCL.raw.SQLITE_BUSY)
        {
            return VerificationResult.Bad(good, good + 1, $"changed: the database is damaged ({e.Message})");
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException)
        {
            return VerificationResult.Bad(good, good + 1, "changed: a column does not hold what the log sink writes");
        }
    }

    private VerificationResult Walk(SqliteConnection connection, ChainHead head, ref long good, CancellationToken cancellationToken)
    {
        var form = new CanonicalForm();
        var previous = EventDatabase.Genesis(connection).Hash;
        using var checkpoints = new CheckpointWalk(CheckpointTable.InOrder(connection), store.Key.PublicKey, previous);
        // Below 1 there is nothing, unless somebody put it there.
        foreach (var row in EventReader.Rows(connection, long.MinValue))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var expected = good + 1;
            if (row.Sequence < expected)
                return VerificationResult.Bad(good, row.Sequence, "added: no record has this number");
            if (row.Sequence > expected)
                return VerificationResult.Bad(good, expected, Missing(expected, row.Sequence - 1));
            if (row.Sequence > head.Sequence)
                return VerificationResult.Bad(good, row.Sequence, "added: it was not written by this log sink");
            var hash = form.Hash(previous, row.Sequence, row);
            if (!hash.AsSpan().SequenceEqual(row.Hash))
                return VerificationResult.Bad(good, row.Sequence, Displacement.Find(connection, row, cancellationToken) is { } was
                    ? $"reordered: this is what was recorded as {was}"
                    : "changed: its hash does not match");
            if (checkpoints.Pass(row.Sequence, hash) is { } problem)
                return VerificationResult.Bad(good, row.Sequence, problem);
            previous = hash;
            good++;
        }

        if (good < head.Sequence)
            return VerificationResult.Bad(good, good + 1, "truncated: " + Missing(good + 1, head.Sequence));
        if (checkpoints.Beyond() is { } signed)
            return VerificationResult.Bad(good, good + 1, "truncated: " + Missing(good + 1, signed) + ", which a checkpoint signed");
        return previous.AsSpan().SequenceEqual(head.Hash)
            ? new(true, good, SignedThrough: checkpoints.SignedThrough)
            : VerificationResult.Bad(good, head.Sequence, "changed: the chain does not end with the hash that the log sink kept");
    }

    private static string Missing(long from, long to) => from == to ? $"missing: record {from}" : $"missing: records {from} to {to}";
}

/// <summary>What <c>GET /verify</c> answers.</summary>
/// <param name="Ok">The chain is whole.</param>
/// <param name="Records">Records found good, from the first on.</param>
/// <param name="FirstBad">The first sequence that is not as it was.</param>
/// <param name="Problem">Begins with <c>missing</c>, <c>changed</c>, <c>reordered</c>, <c>truncated</c> or <c>added</c>.</param>
/// <param name="SignedThrough">The last record that a checkpoint covers; 0 when none does yet.</param>
internal sealed record VerificationResult(bool Ok, long Records, long? FirstBad = null, string? Problem = null, long? SignedThrough = null)
{
    public static VerificationResult Bad(long records, long firstBad, string problem) => new(false, records, firstBad, problem);
}
