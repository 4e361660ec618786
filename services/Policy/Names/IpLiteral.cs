using System.Net;

namespace Gatehouse.Policy.Names;

/// <summary>
/// IP addresses in every spelling that some resolver or URL parser accepts: <c>127.0.0.1</c>, <c>0x7f.1</c>, <c>2130706433</c>,
/// <c>0177.0.0.1</c>, <c>::ffff:127.0.0.1</c>, <c>[::1]</c>, <c>fe80::1%eth0</c> (inet_aton(3), WHATWG URL §3.5, RFC 4291).
/// </summary>
public static class IpLiteral
{
    /// <summary>True when <paramref name="text"/> is an address in any spelling; IPv4-mapped IPv6 comes out as IPv4, scope ids are dropped.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address) => throw new NotImplementedException();
}
