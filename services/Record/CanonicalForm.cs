using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.Record;

/// <summary>
/// What is hashed of a record. The hash of record <c>n</c> is <c>SHA-256(hash of n−1 ‖ form of n)</c>; that of record 0 is the database's random
/// genesis value. Integers are big-endian.
/// <code>
/// byte    1                  version of this form
/// int64   sequence
/// byte[16] id                RFC 9562 order
/// int64   time               100 ns since 0001-01-01T00:00:00Z
/// text    session
/// text    gate               the wire's word: dns, egress, …
/// text    action
/// text    subject
/// text    verdict            allowed | denied
/// text?   rule
/// text?   reason
/// int64   bytesSent
/// int64   bytesReceived
/// int64   durationMs         the bits of the IEEE 754 double
/// text?   traceId
/// byte    0, or 1 and byte[16] attempt
/// int32   entries of detail, −1 when absent; for each, by ordinal order of name: text name, text value
///
/// text    int32 length, then so many bytes of UTF-8
/// text?   the same, or int32 −1 when absent
/// </code>
/// Every field has a fixed or a leading length, so no two different records have the same form.
/// </summary>
public sealed class CanonicalForm
{
    private const byte Version = 1;

    private readonly ArrayBufferWriter<byte> _form = new(1024);

    /// <summary>The hash of <paramref name="row"/> at <paramref name="sequence"/> behind <paramref name="previous"/>.</summary>
    /// <exception cref="DamagedRecordException">Its detail is not what the sink writes.</exception>
    public byte[] Hash(ReadOnlySpan<byte> previous, long sequence, EventRow row)
    {
        _form.ResetWrittenCount();
        _form.Write(previous);
        _form.Write([Version]);
        Number(sequence);
        Id(row.Id);
        Number(row.Ticks);
        Text(row.Session);
        Text(row.Gate);
        Text(row.Action);
        Text(row.Subject);
        Text(row.Verdict);
        Text(row.Rule);
        Text(row.Reason);
        Number(row.BytesSent);
        Number(row.BytesReceived);
        Number(BitConverter.DoubleToInt64Bits(row.DurationMs));
        Text(row.TraceId);
        _form.Write([row.Attempt is null ? (byte)0 : (byte)1]);
        if (row.Attempt is { } attempt)
            Id(attempt);
        Detail(row.Detail);
        return SHA256.HashData(_form.WrittenSpan);
    }

    private void Detail(string? json)
    {
        if (json is null)
        {
            Count(-1);
            return;
        }

        var entries = DetailJson.Read(json);
        Count(entries.Count);
        foreach (var (name, value) in entries)
        {
            Text(name);
            Text(value);
        }
    }

    private void Text(string? text)
    {
        if (text is null)
        {
            Count(-1);
            return;
        }

        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var span = _form.GetSpan(sizeof(int) + most);
        var length = Encoding.UTF8.GetBytes(text, span[sizeof(int)..]);
        BinaryPrimitives.WriteInt32BigEndian(span, length);
        _form.Advance(sizeof(int) + length);
    }

    private void Id(Guid id)
    {
        _ = id.TryWriteBytes(_form.GetSpan(16), bigEndian: true, out var written);
        _form.Advance(written);
    }

    private void Number(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(_form.GetSpan(sizeof(long)), value);
        _form.Advance(sizeof(long));
    }

    private void Count(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_form.GetSpan(sizeof(int)), value);
        _form.Advance(sizeof(int));
    }
}
