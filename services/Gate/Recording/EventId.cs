using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Ids of events: UUIDv7 (RFC 9562 §5.7). Each thread takes its random bits from a block that it fetched from the kernel at once: a system call for each id
/// would take as long as all else that makes an event.
/// </summary>
internal static class EventId
{
    private const int Random = 10;

    /// <summary>Bytes, for a hundred ids.</summary>
    private const int Block = 100 * Random;

    [ThreadStatic]
    private static byte[]? t_block;

    [ThreadStatic]
    private static int t_used;

    public static Guid Create(DateTimeOffset time)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(id, time.ToUnixTimeMilliseconds() << 16);
        Next().CopyTo(id[6..]);
        id[6] = (byte)(0x70 | (id[6] & 0xf));
        id[8] = (byte)(0x80 | (id[8] & 0x3f));
        return new(id, bigEndian: true);
    }

    private static ReadOnlySpan<byte> Next()
    {
        if (t_block is null || t_used == Block)
        {
            RandomNumberGenerator.Fill(t_block ??= new byte[Block]);
            t_used = 0;
        }

        t_used += Random;
        return t_block.AsSpan(t_used - Random, Random);
    }
}
