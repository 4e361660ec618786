using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// The wire form of protocol buffers (protobuf.dev, "Encoding"), as far as OTLP needs it. Generated classes would allocate a tree of objects for every
/// record, and bring a compiler into the build, for a format that is three kinds of field.
/// </summary>
internal sealed class ProtoWriter
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2;

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Stack<ProtoWriter> _spare = new();

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    public int Length => _buffer.WrittenCount;

    public void Clear() => _buffer.ResetWrittenCount();

    public void Number(int field, ulong value)
    {
        Tag(field, Varint);
        Raw(value);
    }

    public void Time(int field, ulong nanoseconds)
    {
        Tag(field, Fixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.GetSpan(8), nanoseconds);
        _buffer.Advance(8);
    }

    public void Double(int field, double value) => Time(field, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>What is no valid UTF-16 becomes U+FFFD: receivers refuse a whole request for one invalid string.</summary>
    public void Text(int field, string value)
    {
        Tag(field, Delimited);
        var length = Encoding.UTF8.GetByteCount(value);
        Raw((ulong)length);
        _buffer.Advance(Encoding.UTF8.GetBytes(value, _buffer.GetSpan(length)));
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, Delimited);
        Raw((ulong)value.Length);
        _buffer.Write(value);
    }

    /// <summary>Fields that were written elsewhere, with their tags.</summary>
    public void Append(ReadOnlySpan<byte> fields) => _buffer.Write(fields);

    /// <summary>A message within this one, whose length stands before it.</summary>
    public void Message<T>(int field, T state, Action<ProtoWriter, T> write)
    {
        var inner = _spare.TryPop(out var spare) ? spare : new ProtoWriter();
        write(inner, state);
        Bytes(field, inner.Written.Span);
        inner.Clear();
        _spare.Push(inner);
    }

    private void Tag(int field, int wireType) => Raw((ulong)(field << 3 | wireType));

    private void Raw(ulong value)
    {
        var to = _buffer.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            to[length++] = (byte)(value | 0x80);
        to[length++] = (byte)value;
        _buffer.Advance(length);
    }
}
