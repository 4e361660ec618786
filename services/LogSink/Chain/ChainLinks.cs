namespace Gatehouse.LogSink.Chain;

/// <summary>Follows the chain record by record.</summary>
/// <param name="start">The record before the first that comes.</param>
internal sealed class ChainLinks(ChainHead start)
{
    private readonly CanonicalForm _form = new();

    /// <summary>The last record found good.</summary>
    public ChainHead At { get; private set; } = start;

    /// <summary>The first that was not as it was, after <see cref="Follow"/> said so.</summary>
    public long FirstBad { get; private set; }

    /// <returns>What is wrong with it, or null.</returns>
    /// <exception cref="DamagedRecordException">It is none that the sink wrote.</exception>
    public string? Follow(EventRow row)
    {
        var expected = At.Sequence + 1;
        FirstBad = Math.Min(expected, row.Sequence);
        if (row.Sequence < expected)
            return "added: no record has this number";
        if (row.Sequence > expected)
            return Missing(expected, row.Sequence - 1);
        var hash = _form.Hash(At.Hash, row.Sequence, row);
        if (!hash.AsSpan().SequenceEqual(row.Hash))
            return "changed: its hash does not match";
        At = new(row.Sequence, hash);
        return null;
    }

    public static string Missing(long from, long to) => from == to ? $"missing: record {from}" : $"missing: records {from} to {to}";
}
