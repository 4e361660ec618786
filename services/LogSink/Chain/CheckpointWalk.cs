namespace Gatehouse.LogSink.Chain;

/// <summary>Holds a walk along the chain against the checkpoints, in step with it.</summary>
internal sealed class CheckpointWalk : IDisposable
{
    private readonly IEnumerator<Checkpoint> _checkpoints;
    private readonly byte[] _publicKey;
    private readonly byte[] _genesis;
    private bool _more;

    /// <param name="checkpoints">From the one after <paramref name="signed"/> on, in order.</param>
    /// <param name="publicKey">The sink's.</param>
    /// <param name="genesis">The chain's.</param>
    /// <param name="signed">The record up to which everything is signed otherwise.</param>
    public CheckpointWalk(IEnumerable<Checkpoint> checkpoints, byte[] publicKey, byte[] genesis, long signed)
    {
        SignedThrough = signed;
        _checkpoints = checkpoints.GetEnumerator();
        _publicKey = publicKey;
        _genesis = genesis;
        _more = _checkpoints.MoveNext();
    }

    /// <summary>All records up to this one are signed.</summary>
    public long SignedThrough { get; private set; }

    /// <summary>The record <paramref name="sequence"/> was found good.</summary>
    /// <returns>What is wrong with the checkpoint that covers it, or null.</returns>
    public string? Pass(long sequence, ReadOnlySpan<byte> hash)
    {
        if (!_more || _checkpoints.Current.Sequence > sequence)
            return null;
        var checkpoint = _checkpoints.Current;
        if (!checkpoint.IsSignedBy(_publicKey, _genesis))
            return "changed: its checkpoint is not signed by this log sink";
        if (!hash.SequenceEqual(checkpoint.Hash))
            return "changed: the chain up to here is not the one that was signed";
        if (checkpoint.Previous != SignedThrough)
            return $"changed: the checkpoint at record {checkpoint.Previous}, which this one's follows, is missing";
        SignedThrough = sequence;
        _more = _checkpoints.MoveNext();
        return null;
    }

    /// <summary>The chain ends here.</summary>
    /// <returns>The last record that was signed and is gone, or null.</returns>
    public long? Beyond()
    {
        long? last = null;
        for (; _more; _more = _checkpoints.MoveNext())
            last = _checkpoints.Current.Sequence;
        return last;
    }

    public void Dispose() => _checkpoints.Dispose();
}
