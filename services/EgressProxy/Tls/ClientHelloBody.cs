using System.Collections.Immutable;
using System.Text;
using Gatehouse.EgressProxy.Destinations;

namespace Gatehouse.EgressProxy.Tls;

/// <summary>The inside of a ClientHello (RFC 8446 §4.1.2; RFC 5246 §7.4.1.2 for the same without extensions).</summary>
internal static class ClientHelloBody
{
    private const ushort ServerNameExtension = 0;
    private const ushort ProtocolsExtension = 16;
    private const ushort EncryptedHelloExtension = 0xfe0d;

    /// <summary>The older drafts of encrypted names, which servers may still understand: ESNI, and ECH drafts 8 to 12.</summary>
    private static ReadOnlySpan<ushort> EncryptedHelloDrafts => [0xffce, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c];

    /// <summary>More are not kept; the list only goes into the record.</summary>
    private const int MaxProtocols = 8;

    private const int RandomLength = 32;
    private const int MaxSessionIdLength = 32;

    public static bool TryRead(ReadOnlySpan<byte> body, out ClientHello hello, out ClientHelloError error)
    {
        hello = new ClientHello { Protocols = [] };
        error = ClientHelloError.Malformed;
        var cursor = new SpanCursor(body);
        if (!cursor.TryReadUInt16(out _)
            || !cursor.TryTake(RandomLength, out _)
            || !cursor.TryReadVector8(out var sessionId) || sessionId.Length > MaxSessionIdLength
            || !cursor.TryReadVector16(out var ciphers) || ciphers.Length < 2 || ciphers.Length % 2 != 0
            || !cursor.TryReadVector8(out var compressions) || compressions.IsEmpty)
        {
            return false;
        }

        if (cursor.IsEmpty)
        {
            error = ClientHelloError.None;
            return true;
        }

        return cursor.TryReadVector16(out var extensions) && cursor.IsEmpty && TryReadExtensions(extensions, ref hello, out error);
    }

    private static bool TryReadExtensions(ReadOnlySpan<byte> extensions, ref ClientHello hello, out ClientHelloError error)
    {
        error = ClientHelloError.Malformed;
        var cursor = new SpanCursor(extensions);
        var (hasName, hasProtocols) = (false, false);
        while (!cursor.IsEmpty)
        {
            if (!cursor.TryReadUInt16(out var type) || !cursor.TryReadVector16(out var data))
                return false;

            switch (type)
            {
                // §4.2: not twice. Of two names, another parser would read the other one.
                case ServerNameExtension when hasName:
                case ProtocolsExtension when hasProtocols:
                    return false;
                case ServerNameExtension:
                    hasName = true;
                    if (!TryReadServerName(data, out var name))
                    {
                        error = ClientHelloError.InvalidServerName;
                        return false;
                    }

                    hello = hello with { ServerName = name };
                    break;
                case ProtocolsExtension:
                    hasProtocols = true;
                    if (!TryReadProtocols(data, out var protocols))
                        return false;

                    hello = hello with { Protocols = protocols };
                    break;
                case EncryptedHelloExtension:
                    hello = hello with { HasEncryptedHello = true };
                    break;
                default:
                    if (EncryptedHelloDrafts.Contains(type))
                        hello = hello with { HasEncryptedHello = true };
                    break;
            }
        }

        error = ClientHelloError.None;
        return true;
    }

    /// <summary>RFC 6066 §3: a list, of which exactly one entry, a host_name (0), is honest.</summary>
    private static bool TryReadServerName(ReadOnlySpan<byte> data, out RemoteHost name)
    {
        name = default;
        var outer = new SpanCursor(data);
        if (!outer.TryReadVector16(out var list) || !outer.IsEmpty)
            return false;

        var inner = new SpanCursor(list);
        if (!inner.TryReadByte(out var type) || type != 0 || !inner.TryReadVector16(out var host) || !inner.IsEmpty)
            return false;

        Span<char> text = stackalloc char[256];
        return host.Length is > 0 and < 256 && Encoding.Latin1.TryGetChars(host, text, out var length)
            && RemoteHost.TryParse(text[..length], out name);
    }

    private static bool TryReadProtocols(ReadOnlySpan<byte> data, out ImmutableArray<string> protocols)
    {
        protocols = [];
        var outer = new SpanCursor(data);
        if (!outer.TryReadVector16(out var list) || !outer.IsEmpty || list.IsEmpty)
            return false;

        var names = ImmutableArray.CreateBuilder<string>(2);
        var inner = new SpanCursor(list);
        while (!inner.IsEmpty)
        {
            if (!inner.TryReadVector8(out var protocol) || protocol.IsEmpty)
                return false;

            // Grease values (RFC 8701) are not text, and a record is no place for control characters.
            if (names.Count < MaxProtocols && protocol.Length <= 32 && !protocol.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e))
                names.Add(Encoding.ASCII.GetString(protocol));
        }

        protocols = names.DrainToImmutable();
        return true;
    }
}
