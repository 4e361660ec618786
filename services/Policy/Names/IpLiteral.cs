using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Policy.Names;

/// <summary>
/// IP addresses in every spelling that some resolver or URL parser accepts: <c>127.0.0.1</c>, <c>0x7f.1</c>, <c>2130706433</c>,
/// <c>0177.0.0.1</c>, <c>::ffff:127.0.0.1</c>, <c>[::1]</c>, <c>fe80::1%eth0</c> (inet_aton(3), WHATWG URL §3.5, RFC 4291).
/// </summary>
public static class IpLiteral
{
    // "[" + 45 characters of IPv6 with an embedded IPv4 + "%" + IFNAMSIZ + "]", with room for leading zeros in IPv4 forms.
    private const int MaxLength = 128;

    /// <summary>
    /// True when <paramref name="text"/> is an address in any spelling; IPv4-mapped IPv6 comes out as IPv4, scope ids are dropped.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.IsEmpty || text.Length > MaxLength)
            return false;
        if (text[0] == '[')
            return text[^1] == ']' && TryParseIPv6(text[1..^1], out address);
        return text.Contains(':') ? TryParseIPv6(text, out address) : TryParseIPv4(text, out address);
    }

    /// <summary>
    /// Whether a host ends in a label that is a number, decimal or hexadecimal, with or without a trailing dot. Such a host is an
    /// IPv4 address or nothing at all (WHATWG URL §3.5, "ends in a number").
    /// </summary>
    internal static bool EndsInNumber(ReadOnlySpan<char> host)
    {
        if (host is [.., '.'])
            host = host[..^1];
        var last = host[(host.LastIndexOf('.') + 1)..];
        return !last.IsEmpty && (last.IndexOfAnyExceptInRange('0', '9') < 0 || IsHexNumber(last));
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        var scope = text.IndexOf('%');
        if (scope >= 0)
            text = text[..scope];
        // The framework also takes prefixes and brackets here; neither belongs to an address.
        foreach (var c in text)
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.'))
                return false;
        if (!text.Contains(':') || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        return true;
    }

    // One to four numbers; the last one fills the bytes that are left.
    private static bool TryParseIPv4(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text is [.., '.'])
            text = text[..^1];
        uint value = 0;
        for (var part = 0; part < 4; part++)
        {
            var dot = text.IndexOf('.');
            var isLast = dot < 0;
            if (!TryParseNumber(isLast ? text : text[..dot], out var number))
                return false;
            var bits = isLast ? 32 - 8 * part : 8;
            if (number >= 1UL << bits)
                return false;
            value |= (uint)(number << (isLast ? 0 : 24 - 8 * part));
            if (isLast)
            {
                address = new IPAddress([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
                return true;
            }

            text = text[(dot + 1)..];
        }

        return false;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out ulong number)
    {
        number = 0;
        if (text.IsEmpty)
            return false;
        var radix = 10u;
        if (text is ['0', 'x' or 'X', ..])
            radix = 16;
        else if (text.Length > 1 && text[0] == '0')
            radix = 8;
        text = text[(radix == 16 ? 2 : 0)..];
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return false;
            var digit = (uint)(char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
            if (digit >= radix || number > uint.MaxValue)
                return false;
            number = number * radix + digit;
        }

        return true;
    }

    private static bool IsHexNumber(ReadOnlySpan<char> text)
    {
        if (text is not ['0', 'x' or 'X', ..])
            return false;
        foreach (var c in text[2..])
            if (!char.IsAsciiHexDigit(c))
                return false;
        return true;
    }
}
