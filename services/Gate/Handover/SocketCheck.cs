using System.Net.Sockets;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>Whether a descriptor is the socket that its description promises. A gate serves nothing it has not looked at.</summary>
internal static class SocketCheck
{
    /// <returns>What is wrong, or null.</returns>
    public static string? Verify(SafeSocketHandle socket, SocketDescription description) =>
        description.Purpose switch
        {
            SocketPurpose.DnsUdp => VerifyInternet(socket, description, Libc.SOCK_DGRAM, Libc.IPPROTO_UDP, listening: false),
            SocketPurpose.DnsTcp or SocketPurpose.Transparent or SocketPurpose.ExplicitProxy or SocketPurpose.Secrets =>
                VerifyInternet(socket, description, Libc.SOCK_STREAM, Libc.IPPROTO_TCP, listening: true),
            SocketPurpose.Tap => VerifyTap(socket),
            _ => "has an unknown purpose",
        };

    private static string? VerifyInternet(SafeSocketHandle socket, SocketDescription description, int type, int protocol, bool listening)
    {
        if (SocketFacts.Option(socket, Libc.SO_DOMAIN) != (description.IsIPv6 ? Libc.AF_INET6 : Libc.AF_INET))
            return description.IsIPv6 ? "is not an IPv6 socket" : "is not an IPv4 socket";
        if (SocketFacts.Option(socket, Libc.SO_TYPE) != type || SocketFacts.Option(socket, Libc.SO_PROTOCOL) != protocol)
            return type == Libc.SOCK_DGRAM ? "is not a UDP socket" : "is not a TCP socket";
        if (SocketFacts.Option(socket, Libc.SO_ACCEPTCONN) != (listening ? 1 : 0))
            return "is not listening";
        return description.Port != 0 && SocketFacts.LocalEndPoint(socket)?.Port == description.Port
            ? null
            : $"is not bound to port {description.Port}";
    }

    private static string? VerifyTap(SafeSocketHandle socket) =>
        SocketFacts.Option(socket, Libc.SO_DOMAIN) == Libc.AF_PACKET && SocketFacts.Option(socket, Libc.SO_TYPE) == Libc.SOCK_DGRAM
            ? null
            : "is not a packet socket";
}
