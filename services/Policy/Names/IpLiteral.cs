using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Policy.Names;

/// <summary>
/// IP addresses in every spelling that some resolver or URL parser accepts: <c>127.0.0.1</c>, <c>0x7f.1</c>, <c>2130706433</c>,
/// <c>0177.0.0.1</c>, <c>::ffff:127.0.0.1</c>, <c>[::1]</c>, <c>fe80::1%eth0</c> (inet_aton(3), WHATWG URL §3.5, RFC 4291).
/// </summary>
public static class IpLiteral
{
    /// <summary>True when <paramref name="text"/> is an address in any spelling; IPv4-mapped IPv6 comes out as IPv4, scope ids are dropped.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.Length is 0 or > 100)
            return false;
        if (text[0] == '[')
        {
            if (text[^1] != ']')
                return false;
            text = text[1..^1];
            if (!text.Contains(':'))
                return false;
        }

        return text.Contains(':') ? TryParseV6(text, out address) : TryParseV4(text, out address);
    }

    /// <summary>Whether the last label is a number in some base, so that the whole can only be an IPv4 address or nothing.</summary>
    public static bool EndsInNumber(ReadOnlySpan<char> name)
    {
        name = name.TrimEnd('.');
        var last = name[(name.LastIndexOf('.') + 1)..];
        return !last.IsEmpty && (!last.ContainsAnyExceptInRange('0', '9')
            || (last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && TryParseNumber(last, out _)));
    }

    private static bool TryParseV6(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        var scope = text.IndexOf('%');
        if (scope >= 0)
            text = text[..scope];
        if (text.ContainsAny('[', ']', '/') || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        return true;
    }

    // One to four numbers; the last fills what the others leave (inet_aton(3)).
    private static bool TryParseV4(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text[^1] == '.')
            text = text[..^1];
        ulong value = 0;
        var parts = 0;
        foreach (var range in text.Split('.'))
        {
            if (++parts > 4 || !TryParseNumber(text[range], out var part))
                return false;
            if (range.End.GetOffset(text.Length) == text.Length)
            {
                var bits = 8 * (5 - parts);
                if (part >= 1UL << bits)
                    return false;
                value = (value << bits) | part;
            }
            else
            {
                if (part > 255)
                    return false;
                value = (value << 8) | part;
            }
        }

        address = new IPAddress([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        return true;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.IsEmpty)
            return false;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return text.Length == 2
                || (text.Length <= 18 && ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value));
        }

        if (text.Length > 1 && text[0] == '0')
        {
            if (text.Length > 20)
                return false;
            foreach (var digit in text)
            {
                if (digit is < '0' or > '7')
                    return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value); // 08: some parsers read decimal
                value = (value << 3) | (uint)(digit - '0');
            }

            return true;
        }

        return text.Length <= 19 && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
