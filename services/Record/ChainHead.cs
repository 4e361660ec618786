namespace Gatehouse.Record;

/// <summary>The end of the chain: the sequence and hash that the next record follows. Sequence 0 stands for the database's genesis value.</summary>
public sealed record ChainHead(long Sequence, byte[] Hash)
{
    /// <summary>SHA-256.</summary>
    public const int HashLength = 32;

    public bool Equals(ChainHead? other) => other is not null && Sequence == other.Sequence && Hash.AsSpan().SequenceEqual(other.Hash);

    public override int GetHashCode() => Sequence.GetHashCode();
}
