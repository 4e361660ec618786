using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Tap;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>Packets as the tap sees them.</summary>
internal static class Packet
{
    /// <summary>What a session with the well-known sockets answers.</summary>
    public static AnsweredPorts Answered { get; } = AnsweredPorts.Of(
    [
        new SessionSocket(new SocketDescription(SocketPurpose.Transparent, 80, false), new SafeSocketHandle()),
        new SessionSocket(new SocketDescription(SocketPurpose.Transparent, 443, false), new SafeSocketHandle()),
        new SessionSocket(new SocketDescription(SocketPurpose.ExplicitProxy, 3128, false), new SafeSocketHandle()),
        new SessionSocket(new SocketDescription(SocketPurpose.Tap, 0, false), new SafeSocketHandle()),
    ]);

    public static byte[] IPv4(string destination, byte protocol, byte[] payload, ushort fragment = 0, int options = 0)
    {
        var packet = new byte[20 + options + payload.Length];
        packet[0] = (byte)(0x40 | (20 + options) / 4);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), fragment);
        packet[9] = protocol;
        IPAddress.Parse(destination).TryWriteBytes(packet.AsSpan(16), out _);
        payload.CopyTo(packet, 20 + options);
        return packet;
    }

    public static byte[] IPv6(string destination, byte next, byte[] payload)
    {
        var packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        packet[6] = next;
        IPAddress.Parse(destination).TryWriteBytes(packet.AsSpan(24), out _);
        payload.CopyTo(packet, 40);
        return packet;
    }

    public static byte[] Tcp(ushort port, byte flags)
    {
        var segment = new byte[20];
        BinaryPrimitives.WriteUInt16BigEndian(segment, 40000);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), port);
        segment[13] = flags;
        return segment;
    }

    public static byte[] Udp(ushort from, ushort to)
    {
        var datagram = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, from);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), to);
        return datagram;
    }
}
