using System.Buffers.Binary;

namespace Gatehouse.EgressProxy.Tls;

/// <summary>Reads big-endian vectors (RFC 8446 §3.4) off the front of a span; false, and nothing is consumed, when it is too short.</summary>
internal ref struct SpanCursor(ReadOnlySpan<byte> rest)
{
    public ReadOnlySpan<byte> Rest { get; private set; } = rest;

    public readonly bool IsEmpty => Rest.IsEmpty;

    public bool TryTake(int count, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (Rest.Length < count)
            return false;

        bytes = Rest[..count];
        Rest = Rest[count..];
        return true;
    }

    public bool TryReadByte(out byte value)
    {
        var read = TryTake(1, out var bytes);
        value = read ? bytes[0] : default;
        return read;
    }

    public bool TryReadUInt16(out ushort value)
    {
        var read = TryTake(2, out var bytes);
        value = read ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : default;
        return read;
    }

    public bool TryReadVector8(out ReadOnlySpan<byte> vector)
    {
        vector = default;
        return !Rest.IsEmpty && Rest.Length > Rest[0] && TryReadByte(out var length) && TryTake(length, out vector);
    }

    public bool TryReadVector16(out ReadOnlySpan<byte> vector)
    {
        vector = default;
        return Rest.Length >= 2 && Rest.Length - 2 >= BinaryPrimitives.ReadUInt16BigEndian(Rest)
            && TryReadUInt16(out var length) && TryTake(length, out vector);
    }
}
