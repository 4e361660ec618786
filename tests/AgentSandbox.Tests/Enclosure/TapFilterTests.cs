using System.Buffers.Binary;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Tests.Enclosure;

public sealed class TapFilterTests
{
    private const uint Outgoing = 4, Host = 0, IPv4 = 0x0800, IPv6 = 0x86dd;

    [Theory]
    [InlineData(6, 443, 0x02, true)]    // SYN
    [InlineData(6, 443, 0x12, false)]   // SYN+ACK
    [InlineData(6, 443, 0x10, false)]   // ACK
    [InlineData(6, 443, 0xc2, true)]    // SYN with ECN
    [InlineData(17, 443, 0, true)]
    [InlineData(17, 53, 0, false)]
    [InlineData(17, 54, 0, true)]
    [InlineData(132, 9, 0, true)]       // SCTP
    public void Filter_PacketOfEitherFamily_TakesAttemptsOnly(byte protocol, ushort port, byte flags, bool taken)
    {
        Assert.Equal(taken, Take(Packet4(protocol, port, flags), IPv4));
        Assert.Equal(taken, Take(Packet6(protocol, port, flags), IPv6));
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(0, false)]  // echo reply
    [InlineData(3, false)]  // unreachable: the kernel's own answer
    public void Filter_Icmp_TakesEchoRequests(byte type, bool taken)
    {
        var packet = Packet4(1, 0, 0);
        packet[20] = type;
        Assert.Equal(taken, Take(packet, IPv4));
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(135, false)] // neighbour solicitation
    public void Filter_IcmpV6_TakesEchoRequests(byte type, bool taken)
    {
        var packet = Packet6(58, 0, 0);
        packet[40] = type;
        Assert.Equal(taken, Take(packet, IPv6));
    }

    [Fact]
    public void Filter_SamePacketArriving_IsNotCountedAgain() =>
        Assert.Equal(0u, BpfInterpreter.Run(TapFilter.Assemble(), Packet4(6, 443, 2), false, IPv4, Host));

    [Fact]
    public void Filter_IPv4WithOptions_FindsTheTransportHeader()
    {
        var packet = new byte[64];
        packet[0] = 0x4f;
        packet[9] = 17;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(62), 443);
        Assert.False(Take(packet[..63], IPv4));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(62), 53);
        Assert.False(Take(packet, IPv4));
    }

    [Fact]
    public void Filter_LaterFragment_IsNoAttempt()
    {
        var packet = Packet4(17, 443, 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), 185);
        Assert.False(Take(packet, IPv4));
    }

    [Theory]
    [InlineData(0x0806u)] // ARP
    [InlineData(0u)]
    public void Filter_OtherProtocol_IsDropped(uint protocol) => Assert.False(Take(Packet4(6, 443, 2), protocol));

    private static bool Take(byte[] packet, uint protocol) =>
        BpfInterpreter.Run(TapFilter.Assemble(), packet, littleEndian: false, protocol, Outgoing) > 0;

    private static byte[] Packet4(byte protocol, ushort port, byte flags)
    {
        var packet = new byte[60];
        packet[0] = 0x45;
        packet[9] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), port);
        packet[33] = flags;
        return packet;
    }

    private static byte[] Packet6(byte protocol, ushort port, byte flags)
    {
        var packet = new byte[80];
        packet[0] = 0x60;
        packet[6] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(42), port);
        packet[53] = flags;
        return packet;
    }
}
