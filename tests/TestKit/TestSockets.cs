using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;

namespace Gatehouse.TestKit;

/// <summary>
/// Sockets as a launcher makes them, but on 127.0.0.1, port 0, of the test's own network: what an agent dials is then the address that the
/// socket is bound to.
/// </summary>
public static class TestSockets
{
    /// <summary>A listening TCP socket.</summary>
    public static SessionSocket Listen(SocketPurpose purpose, IPAddress? address = null)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        socket.Listen(128);
        return Describe(socket, purpose);
    }

    /// <summary>A UDP socket that tells the address a packet came to.</summary>
    public static SessionSocket Udp(IPAddress? address = null)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        var isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        socket.SetSocketOption(isIPv6 ? SocketOptionLevel.IPv6 : SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        socket.Bind(new IPEndPoint(address, 0));
        return Describe(socket, SocketPurpose.DnsUdp);
    }

    /// <summary>Where the agent of the test dials; also after the socket was handed over.</summary>
    public static IPEndPoint EndPoint(this SessionSocket socket) =>
        new(socket.Description.IsIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, socket.Description.Port);

    /// <summary>A connection to it, as the agent makes one.</summary>
    public static async Task<Socket> DialAsync(this SessionSocket socket)
    {
        var client = new Socket(socket.EndPoint().AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(socket.EndPoint());
        return client;
    }

    private static SessionSocket Describe(Socket socket, SocketPurpose purpose)
    {
        var local = (IPEndPoint)socket.LocalEndPoint!;
        return new(new(purpose, local.Port, local.AddressFamily == AddressFamily.InterNetworkV6), socket);
    }
}
