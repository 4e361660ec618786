namespace Gatehouse.Record;

/// <summary>
/// The sink's signature under the chain as it was at one record. What is signed:
/// <code>
/// "gatehouse checkpoint 1\n" · genesis (32) · previous checkpoint's sequence (int64) · sequence (int64) · time in ticks (int64) · hash (32)
/// </code>
/// Numbers are big-endian. The previous one's sequence is part of it, so that a checkpoint between two others can not be taken away unseen. The newest
/// can, by who may write the sink's files: keep a copy of it, or an export, elsewhere.
/// </summary>
/// <param name="Sequence">The record it covers, with all before it.</param>
/// <param name="Previous">0 for the first.</param>
/// <param name="Ticks">100 ns since 0001-01-01T00:00:00Z, by the sink's clock.</param>
/// <param name="Hash">The record's.</param>
/// <param name="Signature">Ed25519.</param>
public sealed record Checkpoint(long Sequence, long Previous, long Ticks, byte[] Hash, byte[] Signature)
{
    public static Checkpoint Sign(ISigner key, ReadOnlySpan<byte> genesis, long previous, ChainHead head, long ticks) =>
        new(head.Sequence, previous, ticks, head.Hash, key.Sign(Message(genesis, previous, head.Sequence, ticks, head.Hash)));

    public bool IsSignedBy(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> genesis) =>
        Ed25519Signature.Verify(publicKey, Message(genesis, Previous, Sequence, Ticks, Hash), Signature);

    private static byte[] Message(ReadOnlySpan<byte> genesis, long previous, long sequence, long ticks, ReadOnlySpan<byte> hash) =>
        SignedMessage.Of("gatehouse checkpoint 1\n"u8, genesis, [previous, sequence, ticks], hash);
}
