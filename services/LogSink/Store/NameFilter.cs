using System.Text;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// Bloom filters of the subjects of a block of records, one for each part of it: a bit for each sequence of three bytes, ASCII letters in lower case as SQLite's
/// <c>lower</c> makes them. It may say that a text is there which is not, never the opposite. An agent that fills it with noise makes a search as slow as without it.
/// </summary>
internal static class NameFilter
{
    /// <summary>Records of a block, whose filters are one row.</summary>
    public const int Records = Parts * PartRecords;

    /// <summary>Records of a part. One that holds what is searched for is read whole.</summary>
    public const int PartRecords = 32;

    public const int Parts = 8;

    /// <summary>As bits, some three times what a part of as many different host names has.</summary>
    private const int PartLength = 160;

    public const int Length = Parts * PartLength;

    /// <summary>What is shorter is in no filter.</summary>
    public const int Shortest = 3;

    /// <summary>The block that a record is in: it begins with record <c>block × Records + 1</c>.</summary>
    public static long BlockOf(long sequence) => (sequence - 1) / Records;

    /// <summary>The part of its block that a record is in.</summary>
    public static int PartOf(long sequence) => (int)((sequence - 1) % Records / PartRecords);

    public static void Add(Span<byte> filter, long sequence, string subject)
    {
        var part = filter.Slice(PartOf(sequence) * PartLength, PartLength);
        foreach (var bit in new Trigrams(subject, stackalloc byte[1024]))
            part[bit >> 3] |= (byte)(1 << (bit & 7));
    }

    /// <summary>The bits that a text's records have; none when it is shorter than <see cref="Shortest"/> bytes.</summary>
    public static int[] Bits(string text)
    {
        var bits = new HashSet<int>();
        foreach (var bit in new Trigrams(text, stackalloc byte[1024]))
            bits.Add(bit);
        return [.. bits];
    }

    public static bool MayContain(ReadOnlySpan<byte> filter, int part, int[] bits)
    {
        // One that somebody cut is none, and so is one of a version that had other filters: the block is read.
        if (filter.Length != Length)
            return true;
        var own = filter.Slice(part * PartLength, PartLength);
        foreach (var bit in bits)
        {
            if ((own[bit >> 3] & (1 << (bit & 7))) == 0)
                return false;
        }

        return true;
    }

    private ref struct Trigrams
    {
        private readonly ReadOnlySpan<byte> _text;
        private int _at;

        public Trigrams(string text, Span<byte> room)
        {
            var most = Encoding.UTF8.GetMaxByteCount(text.Length);
            var bytes = most <= room.Length ? room : new byte[most];
            var length = Encoding.UTF8.GetBytes(text, bytes);
            Ascii.ToLowerInPlace(bytes[..length], out _);
            _text = bytes[..length];
            _at = -1;
        }

        public readonly Trigrams GetEnumerator() => this;

        public bool MoveNext() => ++_at + Shortest <= _text.Length;

        // Knuth's multiplicative hash: the upper bits depend on all three, and say which of the filter's bits it is.
        public readonly int Current => (int)(((uint)(_text[_at] | (_text[_at + 1] << 8) | (_text[_at + 2] << 16)) * 2654435761u * (ulong)(PartLength * 8)) >> 32);
    }
}
