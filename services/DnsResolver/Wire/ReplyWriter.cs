using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Gatehouse.DnsResolver.Wire;

/// <summary>Writes one answer into a caller's buffer. 1,232 octets hold any: one record at most, and an error text.</summary>
internal static class ReplyWriter
{
    public const int MaxReply = 1232;

    /// <summary>Seconds that a gate address may be cached: reloads of the policy take effect soon.</summary>
    private const uint Ttl = 60;

    private const ushort QuestionPointer = 0xc00c, ClassIn = 1;

    /// <param name="query">What is answered.</param>
    /// <param name="answer">The decision.</param>
    /// <param name="buffer">At least <see cref="MaxReply"/> octets.</param>
    /// <param name="limit">Most octets the transport takes.</param>
    /// <returns>Octets written.</returns>
    public static int Write(in DnsQuery query, Answer answer, Span<byte> buffer, int limit)
    {
        var at = DnsQuery.HeaderSize;
        query.Question.CopyTo(buffer[at..]);
        at += query.Question.Length;
        var body = at;
        var records = answer.HasRecord ? 1 : 0;
        if (records == 1)
            at += WriteRecord(answer, buffer[at..]);
        var authority = answer.IsNoData || answer.Code == RCode.NXDomain ? 1 : 0;
        if (authority == 1)
            at += WriteSoa(buffer[at..]);
        var edns = query.HasEdns ? WriteOpt(answer, buffer[at..]) : 0;
        var truncated = at + edns > limit;
        if (truncated)
        {
            (records, authority) = (0, 0);
            at = body;
            edns = query.HasEdns ? WriteOpt(answer with { Error = ExtendedError.None }, buffer[at..]) : 0;
        }

        at += edns;
        BinaryPrimitives.WriteUInt16BigEndian(buffer, query.Id);
        buffer[2] = (byte)(0x80 | (truncated ? 2 : 0) | (query.RecursionDesired ? 1 : 0));
        buffer[3] = (byte)(0x80 | ((int)answer.Code & 0xf));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[4..], (ushort)(query.Question.IsEmpty ? 0 : 1));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[6..], (ushort)records);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[8..], (ushort)authority);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[10..], (ushort)(query.HasEdns ? 1 : 0));
        return at;
    }

    private static int WriteRecord(Answer answer, Span<byte> at)
    {
        BinaryPrimitives.WriteUInt16BigEndian(at, QuestionPointer);
        BinaryPrimitives.WriteUInt16BigEndian(at[2..], (ushort)answer.RecordType);
        BinaryPrimitives.WriteUInt16BigEndian(at[4..], ClassIn);
        BinaryPrimitives.WriteUInt32BigEndian(at[6..], Ttl);
        var length = answer.RecordType switch
        {
            RecordType.A or RecordType.Aaaa => WriteAddress(answer.Address!, at[12..]),
            RecordType.Ptr => WriteName(answer.Text!, at[12..]),
            _ => WriteHostInfo(at[12..]), // RFC 8482: ANY is answered by HINFO "RFC8482"
        };
        BinaryPrimitives.WriteUInt16BigEndian(at[10..], (ushort)length);
        return 12 + length;
    }

    // NODATA wants the zone's SOA to be cached by (RFC 2308 §2.2); ours is the question's own name, with nothing in it.
    private static int WriteSoa(Span<byte> at)
    {
        BinaryPrimitives.WriteUInt16BigEndian(at, QuestionPointer);
        BinaryPrimitives.WriteUInt16BigEndian(at[2..], (ushort)RecordType.Soa);
        BinaryPrimitives.WriteUInt16BigEndian(at[4..], ClassIn);
        BinaryPrimitives.WriteUInt32BigEndian(at[6..], Ttl);
        BinaryPrimitives.WriteUInt16BigEndian(at[10..], 22);
        at[12] = 0; // MNAME and RNAME are the root
        at[13] = 0;
        foreach (var (i, value) in new uint[] { 1, 3600, 600, 86_400, Ttl }.Index())
            BinaryPrimitives.WriteUInt32BigEndian(at[(14 + 4 * i)..], value);
        return 12 + 22;
    }

    private static int WriteOpt(Answer answer, Span<byte> at)
    {
        at[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(at[1..], (ushort)RecordType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(at[3..], MaxReply);
        at[5] = (byte)((int)answer.Code >> 4);
        at[6..9].Clear();
        if (answer.Error == ExtendedError.None)
        {
            at[9..11].Clear();
            return 11;
        }

        // OPTION-CODE 15, length, INFO-CODE, EXTRA-TEXT (RFC 8914 §2)
        var text = Encoding.ASCII.GetBytes(answer.Text ?? "", at[17..]);
        BinaryPrimitives.WriteUInt16BigEndian(at[9..], (ushort)(6 + text));
        BinaryPrimitives.WriteUInt16BigEndian(at[11..], 15);
        BinaryPrimitives.WriteUInt16BigEndian(at[13..], (ushort)(2 + text));
        BinaryPrimitives.WriteUInt16BigEndian(at[15..], (ushort)answer.Error);
        return 17 + text;
    }

    private static int WriteAddress(IPAddress address, Span<byte> at)
    {
        address.TryWriteBytes(at, out var length);
        return length;
    }

    private static int WriteName(string name, Span<byte> at)
    {
        var length = 0;
        foreach (var label in name.Split('.'))
        {
            at[length++] = (byte)label.Length;
            length += Encoding.ASCII.GetBytes(label, at[length..]);
        }

        at[length++] = 0;
        return length;
    }

    private static int WriteHostInfo(Span<byte> at)
    {
        "\u0007RFC8482\0"u8.CopyTo(at);
        return 9;
    }
}
