using System.Buffers.Binary;
using System.Net;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>
/// Reads packets off the wire, as far as they were captured, into attempts. No IO. The socket's filter has dropped most of what is none
/// already; it is not relied upon.
/// </summary>
internal static class PacketReader
{
    private const byte HopByHop = 0, Icmp = 1, Tcp = 6, Udp = 17, Routing = 43, Fragment = 44, Icmp6 = 58, DestinationOptions = 60;
    private const byte EchoRequest4 = 8, EchoRequest6 = 128;
    private const int DnsPort = 53;
    private const byte Syn = 0x02, Ack = 0x10;

    /// <summary>Real packets have one or two; each is at least eight octets, and the capture is short.</summary>
    private const int MaxExtensions = 8;

    /// <param name="packet">From the network header on.</param>
    /// <param name="seen">What it tried.</param>
    /// <returns>
    /// False for what is no attempt to leave: malformed, traffic of a connection, or between the agent's own processes on loopback.
    /// </returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out SeenPacket seen)
    {
        seen = default;
        return !packet.IsEmpty && (packet[0] >> 4) switch
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
        if (header < 20 || packet.Length < header)
            return false;

        var isLaterFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) != 0;
        var isLoopback = packet[16] == 127;
        return !isLaterFragment && !isLoopback
            && TryReadTransport(packet[9], packet[header..], new IPAddress(packet.Slice(16, 4)), out seen);
    }

    // RFC 8200 §3, §4
    private static bool TryRead6(ReadOnlySpan<byte> packet, out SeenPacket seen)
    {
        seen = default;
        if (packet.Length < 40)
            return false;

        var destination = new IPAddress(packet.Slice(24, 16));
        if (destination.Equals(IPAddress.IPv6Loopback) || (destination.IsIPv4MappedToIPv6 && packet[36] == 127))
            return false;

        var protocol = packet[6];
        var rest = packet[40..];
        for (var i = 0; protocol is HopByHop or Routing or Fragment or DestinationOptions; i++)
        {
            var length = protocol == Fragment ? 8 : rest.Length < 2 ? int.MaxValue : (rest[1] + 1) * 8;
            if (i == MaxExtensions || rest.Length < length
                || (protocol == Fragment && BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) >> 3 != 0))
                return false;
            protocol = rest[0];
            rest = rest[length..];
        }

        return TryReadTransport(protocol, rest, destination, out seen);
    }

    private static bool TryReadTransport(byte protocol, ReadOnlySpan<byte> segment, IPAddress destination, out SeenPacket seen)
    {
        seen = default;
        switch (protocol)
        {
            case Tcp when segment.Length >= 14 && (segment[13] & (Syn | Ack)) == Syn:
                seen = new SeenPacket("tcp", destination, BinaryPrimitives.ReadUInt16BigEndian(segment[2..]));
                return true;
            // From port 53, which no program inside can bind, come the resolver's answers.
            case Udp when segment.Length >= 8 && BinaryPrimitives.ReadUInt16BigEndian(segment) != DnsPort:
                seen = new SeenPacket("udp", destination, BinaryPrimitives.ReadUInt16BigEndian(segment[2..]));
                return seen.Port != DnsPort;
            case Icmp or Icmp6 when !segment.IsEmpty && segment[0] == (protocol == Icmp ? EchoRequest4 : EchoRequest6):
                seen = new SeenPacket("icmp", destination, 0);
                return true;
            // MLD and neighbour discovery are the kernel's; errors are answers.
            case Tcp or Udp or Icmp or Icmp6:
                return false;
            default:
                seen = new SeenPacket($"protocol-{protocol}", destination, 0);
                return true;
        }
    }
}
