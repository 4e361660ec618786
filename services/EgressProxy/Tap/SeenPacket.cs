using System.Buffers.Binary;
using System.Net;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>What a packet tried: protocol, destination and port (0 where there is none).</summary>
internal readonly record struct SeenPacket(string Protocol, IPAddress Destination, int Port)
{
    private const byte Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58;

    /// <summary>As records write it: <c>udp 1.2.3.4:443</c>, <c>icmp 8.8.8.8</c>.</summary>
    public string Subject => Port == 0 ? $"{Protocol} {Destination}" : $"{Protocol} {new IPEndPoint(Destination, Port)}";

    /// <summary>Reads the network header and, where it has one, the destination port. No IO.</summary>
    /// <param name="packet">From the network header on, cut short perhaps.</param>
    /// <param name="seen">What it tried.</param>
    /// <returns>False for what is no attempt to leave: malformed, or between the agent's own processes on loopback.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out SeenPacket seen)
    {
        seen = default;
        if (packet.IsEmpty)
            return false;
        return (packet[0] >> 4) switch
        {
            4 => TryRead4(packet, out seen),
            6 => TryRead6(packet, out seen),
            _ => false,
        };
    }

    // RFC 791 §3.1
    private static bool TryRead4(ReadOnlySpan<byte> packet, out SeenPacket seen)
    {
        seen = default;
        var header = (packet[0] & 0xf) * 4;
        if (header < 20 || packet.Length < header || packet[16] == 127)
            return false;
        var isLater = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) != 0;
        return TryReadTransport(packet[9], isLater ? [] : packet[header..], new IPAddress(packet.Slice(16, 4)), out seen);
    }

    // RFC 8200 §3; extension headers are not followed: the protocol number is what is recorded then.
    private static bool TryRead6(ReadOnlySpan<byte> packet, out SeenPacket seen)
    {
        seen = default;
        if (packet.Length < 40)
            return false;
        var destination = new IPAddress(packet.Slice(24, 16));
        if (destination.Equals(IPAddress.IPv6Loopback) || destination.IsIPv6Multicast)
            return false;
        return TryReadTransport(packet[6], packet[40..], destination, out seen);
    }

    private static bool TryReadTransport(byte protocol, ReadOnlySpan<byte> transport, IPAddress destination, out SeenPacket seen)
    {
        var port = protocol is Tcp or Udp && transport.Length >= 4 ? BinaryPrimitives.ReadUInt16BigEndian(transport[2..]) : 0;
        seen = new(protocol switch { Tcp => "tcp", Udp => "udp", Icmp or Icmp6 => "icmp", _ => $"protocol-{protocol}" }, destination, port);
        return true;
    }
}
