namespace Gatehouse.Record;

/// <summary>
/// The sink's signature under what it removed because it was old or too much: records that are gone with one were not taken away by somebody else. What is
/// signed:
/// <code>
/// "gatehouse segment 1\n" · genesis (32) · first (int64) · last (int64) · time in ticks (int64) · hash of the last (32)
/// </code>
/// Numbers are big-endian. Segments begin with record 1 and follow each other without a gap; the chain goes on from the last one's hash.
/// </summary>
/// <param name="First">The first record that was removed.</param>
/// <param name="Last">The last one.</param>
/// <param name="Ticks">When: 100 ns since 0001-01-01T00:00:00Z, by the sink's clock.</param>
/// <param name="Hash">The last record's.</param>
/// <param name="Signature">Ed25519.</param>
public sealed record Segment(long First, long Last, long Ticks, byte[] Hash, byte[] Signature)
{
    public static Segment Sign(ISigner key, ReadOnlySpan<byte> genesis, long first, ChainHead last, long ticks) =>
        new(first, last.Sequence, ticks, last.Hash, key.Sign(Message(genesis, first, last.Sequence, ticks, last.Hash)));

    public bool IsSignedBy(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> genesis) =>
        Ed25519Signature.Verify(publicKey, Message(genesis, First, Last, Ticks, Hash), Signature);

    private static byte[] Message(ReadOnlySpan<byte> genesis, long first, long last, long ticks, ReadOnlySpan<byte> hash) =>
        SignedMessage.Of("gatehouse segment 1\n"u8, genesis, [first, last, ticks], hash);
}
