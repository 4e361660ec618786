using Gatehouse.EgressProxy.Destinations;

namespace Gatehouse.EgressProxy.Http;

/// <summary>
/// A CONNECT head (RFC 9110 §9.3.6):
/// <code>
/// CONNECT api.github.com:443 HTTP/1.1
/// Host: api.github.com:443
/// </code>
/// </summary>
internal static class ConnectRequest
{
    /// <summary>The destination, when target and Host are one and there is no body (what follows is the tunnel's).</summary>
    public static bool TryRead(in RequestHead head, out Destination destination)
    {
        destination = default;
        if (head.Method != "CONNECT" || head.HasBody || !Destination.TryParse(head.Target, defaultPort: 0, out var target))
            return false;

        // Some clients leave the port out of Host. Old ones speak HTTP/1.0 and send none.
        if (head.Host is not null && !(Destination.TryParse(head.Host, target.Port, out var host) && host == target))
            return false;

        destination = target;
        return true;
    }
}
