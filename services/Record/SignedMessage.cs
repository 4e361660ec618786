using System.Buffers.Binary;

namespace Gatehouse.Record;

/// <summary>
/// What the log sink signs: a line that says what it is, so that no signature can be taken for one under something else, the chain's genesis value, numbers
/// (int64, big-endian) and a hash. All of fixed length.
/// </summary>
internal static class SignedMessage
{
    /// <param name="kind">Such as <c>gatehouse checkpoint 1\n</c>.</param>
    /// <param name="genesis">32 bytes.</param>
    /// <param name="numbers">Always as many for one kind.</param>
    /// <param name="hash">32 bytes.</param>
    public static byte[] Of(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> genesis, ReadOnlySpan<long> numbers, ReadOnlySpan<byte> hash)
    {
        Span<byte> bytes = stackalloc byte[numbers.Length * sizeof(long)];
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteInt64BigEndian(bytes[(i * sizeof(long))..], numbers[i]);
        return [.. kind, .. genesis, .. bytes, .. hash];
    }
}
