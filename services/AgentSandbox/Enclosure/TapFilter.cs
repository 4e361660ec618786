using static Gatehouse.AgentSandbox.Enclosure.BpfProgram;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// What the tap sees of the packets on <c>lo</c> (they start at the network header: SOCK_DGRAM): attempts, not traffic. An initial SYN, UDP
/// other than to port 53, an echo request, and whatever is none of TCP, UDP and ICMP. Each packet passes lo twice; outgoing is taken.
/// </summary>
internal static class TapFilter
{
    // linux/filter.h: ancillary data lives at negative offsets.
    private const uint AncillaryProtocol = unchecked((uint)(-0x1000 + 0)), AncillaryPacketType = unchecked((uint)(-0x1000 + 4));
    private const uint PACKET_OUTGOING = 4, ETH_P_IP = 0x0800, ETH_P_IPV6 = 0x86dd;
    private const uint Tcp = 6, Udp = 17, Icmp = 1, IcmpV6 = 58, HopByHop = 0;

    /// <summary>Enough of a packet to name it: IPv6 header, an extension and a transport header.</summary>
    private const uint SnapLength = 128;

    public static byte[] Assemble() => new BpfProgram()
        .Statement(LoadByte, AncillaryPacketType)
        .Branch(JumpEqual, PACKET_OUTGOING, null, "drop")
        .Statement(LoadHalf, AncillaryProtocol)
        .Branch(JumpEqual, ETH_P_IPV6, "ipv6")
        .Branch(JumpEqual, ETH_P_IP, null, "drop")
        .Statement(LoadHalf, 6)
        .Branch(JumpSet, 0x1fff, "drop") // a later fragment: the first one was the attempt
        .Statement(LoadIpHeaderLength, 0)
        .Statement(LoadByte, 9)
        .Branch(JumpEqual, Tcp, "tcp4")
        .Branch(JumpEqual, Udp, "udp4")
        .Branch(JumpEqual, Icmp, null, "take")
        .Statement(0x50, 0) // ldb [x + 0]: ICMP type
        .Branch(JumpEqual, 8, "take", "drop")
        .Label("tcp4")
        .Statement(0x50, 13)
        .Statement(And, 0x12)
        .Branch(JumpEqual, 0x02, "take", "drop")
        .Label("udp4") // answers of the resolver come from port 53, which no program inside can bind
        .Statement(LoadIndexedHalf, 0)
        .Branch(JumpEqual, 53, "drop")
        .Statement(LoadIndexedHalf, 2)
        .Branch(JumpEqual, 53, "drop", "take")
        .Label("ipv6")
        .Statement(LoadByte, 6)
        .Branch(JumpEqual, Tcp, "tcp6")
        .Branch(JumpEqual, Udp, "udp6")
        .Branch(JumpEqual, HopByHop, "drop") // MLD, which the kernel itself sends
        .Branch(JumpEqual, IcmpV6, null, "take")
        .Statement(LoadByte, 40)
        .Branch(JumpEqual, 128, "take", "drop")
        .Label("tcp6")
        .Statement(LoadByte, 40 + 13)
        .Statement(And, 0x12)
        .Branch(JumpEqual, 0x02, "take", "drop")
        .Label("udp6")
        .Statement(LoadHalf, 40)
        .Branch(JumpEqual, 53, "drop")
        .Statement(LoadHalf, 40 + 2)
        .Branch(JumpEqual, 53, "drop")
        .Label("take")
        .Statement(Return, SnapLength)
        .Label("drop")
        .Statement(Return, 0)
        .Assemble();
}
