using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gatehouse.EgressProxy.Destinations;

/// <summary>A host and a TCP port.</summary>
internal readonly record struct Destination(RemoteHost Host, int Port)
{
    /// <summary>
    /// An authority without userinfo (RFC 3986 §3.2): <c>host</c>, <c>host:443</c>, <c>[::1]:443</c>. Stricter than the grammar: no empty port,
    /// no leading zero, no unbracketed IPv6, because the next parser may read those otherwise.
    /// </summary>
    /// <param name="authority">As written.</param>
    /// <param name="defaultPort">The port when none is written; 0: one must be (authority-form, RFC 9112 §3.2.3).</param>
    public static bool TryParse(ReadOnlySpan<char> authority, int defaultPort, out Destination destination)
    {
        destination = default;
        var hostLength = authority.StartsWith('[') ? authority.IndexOf(']') + 1 : authority.IndexOf(':');
        if (hostLength < 0)
            hostLength = authority.Length;
        if (hostLength == 0)
            return false;

        var port = defaultPort;
        if (hostLength < authority.Length && !TryParsePort(authority[hostLength..], out port))
            return false;

        if (port == 0 || !RemoteHost.TryParse(authority[..hostLength], out var host))
            return false;

        destination = new Destination(host, port);
        return true;
    }

    /// <summary>As subjects and messages write it: <c>api.github.com:443</c>, <c>[2001:db8::1]:443</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{UriHost}:{Port}");

    /// <summary>The host as a URI writes it: IPv6 in brackets.</summary>
    public string UriHost => Host.Address is { AddressFamily: AddressFamily.InterNetworkV6 } ? $"[{Host}]" : Host.ToString();

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        return text.Length is >= 2 and <= 6 && text[0] == ':' && text[1] != '0'
            && int.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;
    }
}
