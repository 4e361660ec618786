using System.Buffers.Binary;
using System.Text;

namespace Gatehouse.LogSink.Otlp;

/// <summary>Reads one message of the wire form of protocol buffers, a field at a time. It never reads beyond its span, whatever a length says.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Something was not protobuf. Then nothing more is read.</summary>
    public bool IsMalformed { get; private set; }

    public int Field { get; private set; }

    /// <summary>The value of a varint or fixed field.</summary>
    public ulong Value { get; private set; }

    /// <summary>The value of a length-delimited field: empty for others.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The text; what is not UTF-8 of it is replaced.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>False at the end, or where it is malformed.</summary>
    public bool TryReadField()
    {
        if (_rest.IsEmpty || IsMalformed)
            return false;
        if (!TryReadVarint(out var tag) || tag >> 3 is 0 or > int.MaxValue)
            return Fail();
        Field = (int)(tag >> 3);
        Value = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                if (!TryReadVarint(out var number))
                    return Fail();
                Value = number;
                return true;
            case 1:
                return TryTake(8) && Set(BinaryPrimitives.ReadUInt64LittleEndian(Bytes));
            case 2:
                return TryReadVarint(out var length) && length <= (ulong)_rest.Length ? TryTake((int)length) : Fail();
            case 5:
                return TryTake(4) && Set(BinaryPrimitives.ReadUInt32LittleEndian(Bytes));
            default:
                // Groups (3, 4) are not in OTLP.
                return Fail();
        }
    }

    private bool Set(ulong value)
    {
        Value = value;
        Bytes = default;
        return true;
    }

    private bool TryTake(int length)
    {
        if (length > _rest.Length)
            return Fail();
        Bytes = _rest[..length];
        _rest = _rest[length..];
        return true;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] >= 0x80)
                continue;
            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }

    private bool Fail()
    {
        IsMalformed = true;
        Value = 0;
        Bytes = default;
        return false;
    }
}
