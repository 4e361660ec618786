using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Gatehouse.SecretsGateway.Masking;

/// <summary>
/// Where in a text something can begin, told by two bytes: 16 places at once by their half bytes (what Teddy does, of Hyperscan), and what passes that by a bit for
/// each pair of bytes. Wiped when disposed: it says how the credential begins.
/// </summary>
internal sealed class Starts : IDisposable
{
    private const int Buckets = 8, Words = 65536 / 64, FirstBytes = 256, Halves = 4 * 16;

    private readonly ulong[] _pairs = ArrayPool<ulong>.Shared.Rent(Words);
    private readonly uint[] _first = ArrayPool<uint>.Shared.Rent(FirstBytes);

    // Buckets, one bit each: of the low and high half of the first byte, and of the second.
    private readonly byte[] _halves = ArrayPool<byte>.Shared.Rent(Halves);

    public Starts()
    {
        _pairs.AsSpan(0, Words).Clear();
        _first.AsSpan(0, FirstBytes).Clear();
        _halves.AsSpan(0, Halves).Clear();
    }

    /// <param name="number">Of what begins so: 0 to 31.</param>
    /// <param name="first">Byte.</param>
    /// <param name="next">The byte behind it.</param>
    public void Add(int number, byte first, byte next)
    {
        var pair = first | (next << 8);
        _pairs[pair >> 6] |= 1UL << (pair & 63);
        _first[first] |= 1U << number;
        // The escapes, of which all have many, by themselves: a bucket lets through whatever its halves make together.
        var bucket = (byte)(1 << (char.IsAsciiLetterOrDigit((char)first) ? number % (Buckets - 2) : first == '\\' ? Buckets - 2 : Buckets - 1));
        _halves[first & 15] |= bucket;
        _halves[16 + (first >> 4)] |= bucket;
        _halves[32 + (next & 15)] |= bucket;
        _halves[48 + (next >> 4)] |= bucket;
    }

    /// <summary>A bit for each number that can begin with a byte.</summary>
    public uint At(byte first) => _first[first];

    /// <returns>The first place at or behind one where something can begin, the text's length when there is none.</returns>
    public int Next(ReadOnlySpan<byte> text, int at)
    {
        var halves = _halves.AsSpan(0, Halves);
        var (low, high) = (Vector128.Create<byte>(halves), Vector128.Create<byte>(halves[16..]));
        var (nextLow, nextHigh) = (Vector128.Create<byte>(halves[32..]), Vector128.Create<byte>(halves[48..]));
        var fifteen = Vector128.Create<byte>(15);
        for (; at + Vector128<byte>.Count < text.Length; at += Vector128<byte>.Count)
        {
            var here = Vector128.Create(text[at..]);
            var next = Vector128.Create(text[(at + 1)..]);
            var buckets = Vector128.ShuffleNative(low, here & fifteen) & Vector128.ShuffleNative(high, here >>> 4)
                & Vector128.ShuffleNative(nextLow, next & fifteen) & Vector128.ShuffleNative(nextHigh, next >>> 4);
            for (var places = ~Vector128.Equals(buckets, Vector128<byte>.Zero).ExtractMostSignificantBits() & 0xffff; places != 0; places &= places - 1)
            {
                var place = at + BitOperations.TrailingZeroCount(places);
                if (IsPair(text[place], text[place + 1]))
                    return place;
            }
        }

        for (; at + 1 < text.Length; at++)
        {
            if (IsPair(text[at], text[at + 1]))
                return at;
        }

        return at < text.Length && _first[text[at]] != 0 ? at : text.Length;
    }

    public void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(_pairs, clearArray: true);
        ArrayPool<uint>.Shared.Return(_first, clearArray: true);
        ArrayPool<byte>.Shared.Return(_halves, clearArray: true);
    }

    private bool IsPair(byte first, byte next)
    {
        var pair = first | (next << 8);
        return (_pairs[pair >> 6] >> (pair & 63) & 1) != 0;
    }
}
