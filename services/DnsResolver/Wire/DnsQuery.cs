using System.Buffers.Binary;
using System.Text;

namespace Gatehouse.DnsResolver.Wire;

/// <summary>
/// One query as received: the header, the one question, and EDNS (RFC 1035 §4, RFC 6891). Parsing does no IO and never throws; every
/// length, count and hop is bounded, since the agent chose them.
/// </summary>
internal readonly ref struct DnsQuery
{
    public const int HeaderSize = 12;

    /// <summary>Octets of a name on the wire, length bytes and the root included (RFC 1035 §2.3.4).</summary>
    public const int MaxName = 255;

    public ushort Id { get; private init; }

    public bool RecursionDesired { get; private init; }

    /// <summary>The question's bytes, to be echoed with the letters' case as sent (draft-vixie-dnsext-dns0x20).</summary>
    public ReadOnlySpan<byte> Question { get; private init; }

    /// <summary>Lower case, without the trailing dot; octets that no host name has are escaped (RFC 1035 §5.1). Empty is the root.</summary>
    public string Name { get; private init; }

    public RecordType Type { get; private init; }

    public ushort Class { get; private init; }

    public bool HasEdns { get; private init; }

    /// <summary>Largest UDP answer the client takes, clamped to 512–1232 octets.</summary>
    public int PayloadSize { get; private init; }

    /// <summary>Reads a query.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="query">What could be read, so that the error can be answered.</param>
    /// <param name="error">NoError when it is a query to decide on.</param>
    /// <returns>False when it deserves no answer: too short, or an answer itself.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out DnsQuery query, out RCode error)
    {
        query = default;
        error = RCode.FormErr;
        if (message.Length < HeaderSize || (message[2] & 0x80) != 0)
            return false;
        query = new() { Id = BinaryPrimitives.ReadUInt16BigEndian(message), RecursionDesired = (message[2] & 1) != 0, Name = "", PayloadSize = 512 };
        if ((message[2] & 0x78) != 0)
        {
            error = RCode.NotImp;
            return true;
        }

        var (questions, answers, authorities, additional) = (Count(message, 4), Count(message, 6), Count(message, 8), Count(message, 10));
        if (questions != 1 || answers != 0 || authorities != 0 || additional > 2
            || !TryReadName(message, HeaderSize, out var name, out var end) || end + 4 > message.Length)
        {
            return true;
        }

        query = query with
        {
            Name = name,
            Type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[end..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(end + 2)..]),
            Question = message[HeaderSize..(end + 4)],
        };
        return ReadAdditional(message[(end + 4)..], additional, ref query, ref error);
    }

    private static bool ReadAdditional(ReadOnlySpan<byte> rest, int count, ref DnsQuery query, ref RCode error)
    {
        for (var i = 0; i < count; i++)
        {
            // Records in a query (OPT, TSIG) are owned by the root or a short plain name; pointers have nothing to point at.
            var owner = 0;
            while (owner < rest.Length && rest[owner] is > 0 and <= 63)
                owner += rest[owner] + 1;
            if (owner + 11 > rest.Length || rest[owner] != 0)
                return true;
            var record = rest[(owner + 1)..];
            var length = BinaryPrimitives.ReadUInt16BigEndian(record[8..]);
            if (10 + length > record.Length)
                return true;
            if ((RecordType)BinaryPrimitives.ReadUInt16BigEndian(record) == RecordType.Opt)
            {
                if (query.HasEdns || owner != 0)
                    return true;
                query = query with { HasEdns = true, PayloadSize = Math.Clamp((int)BinaryPrimitives.ReadUInt16BigEndian(record[2..]), 512, 1232) };
                if (record[5] != 0)
                {
                    error = RCode.BadVers;
                    return true;
                }
            }

            rest = record[(10 + length)..];
        }

        error = rest.IsEmpty ? RCode.NoError : RCode.FormErr;
        return true;
    }

    // A question stands first, so a compression pointer in it could only point at itself or the header: refused.
    private static bool TryReadName(ReadOnlySpan<byte> message, int start, out string name, out int end)
    {
        var text = new StringBuilder();
        name = "";
        end = start;
        while (end < message.Length && end - start < MaxName)
        {
            int length = message[end++];
            if (length == 0)
            {
                name = text.ToString();
                return true;
            }

            if (length > 63 || end + length > message.Length || end + length - start >= MaxName)
                return false;
            if (text.Length > 0)
                text.Append('.');
            foreach (var octet in message.Slice(end, length))
                Append(text, octet);
            end += length;
        }

        return false;
    }

    private static void Append(StringBuilder text, byte octet)
    {
        var character = (char)octet;
        if (char.IsAsciiLetterOrDigit(character) || character is '-' or '_')
            text.Append(char.ToLowerInvariant(character));
        else if (octet is > 0x20 and < 0x7f)
            text.Append('\\').Append(character);
        else
            text.Append('\\').Append((char)('0' + octet / 100)).Append((char)('0' + octet / 10 % 10)).Append((char)('0' + octet % 10));
    }

    private static int Count(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}
