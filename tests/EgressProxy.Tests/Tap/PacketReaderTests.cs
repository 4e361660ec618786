using System.Net;
using Gatehouse.EgressProxy.Tap;
using Gatehouse.EgressProxy.Tests.Support;

namespace Gatehouse.EgressProxy.Tests.Tap;

public sealed class PacketReaderTests
{
    private static readonly byte[] s_extended =
        [60, 0, .. new byte[6], 43, 0, .. new byte[6], 17, 0, .. new byte[6], .. Packet.Udp(1, 443)];

    private static readonly byte[] s_endless =
        [.. Enumerable.Repeat((byte[])[60, 0, 0, 0, 0, 0, 0, 0], 20).SelectMany(each => each)];

    public static TheoryData<string, byte[], string?> Packets() => new()
    {
        { "SYN", Packet.IPv4("1.2.3.4", 6, Packet.Tcp(8080, 0x02)), "tcp 1.2.3.4:8080" },
        { "SYN with ECN", Packet.IPv4("1.2.3.4", 6, Packet.Tcp(8080, 0xc2)), "tcp 1.2.3.4:8080" },
        { "SYN+ACK", Packet.IPv4("1.2.3.4", 6, Packet.Tcp(8080, 0x12)), null },
        { "RST", Packet.IPv4("1.2.3.4", 6, Packet.Tcp(8080, 0x04)), null },
        { "QUIC", Packet.IPv4("1.2.3.4", 17, Packet.Udp(40000, 443)), "udp 1.2.3.4:443" },
        { "question to the resolver", Packet.IPv4("8.8.8.8", 17, Packet.Udp(40000, 53)), null },
        { "answer of the resolver", Packet.IPv4("8.8.8.8", 17, Packet.Udp(53, 40000)), null },
        { "ping", Packet.IPv4("8.8.8.8", 1, [8, 0, 0, 0, 0, 0, 0, 0]), "icmp 8.8.8.8" },
        { "pong", Packet.IPv4("8.8.8.8", 1, [0, 0, 0, 0, 0, 0, 0, 0]), null },
        { "port unreachable", Packet.IPv4("8.8.8.8", 1, [3, 3, 0, 0, 0, 0, 0, 0]), null },
        { "SCTP", Packet.IPv4("8.8.8.8", 132, new byte[12]), "protocol-132 8.8.8.8" },
        { "loopback", Packet.IPv4("127.0.0.53", 17, Packet.Udp(40000, 5000)), null },
        { "later fragment", Packet.IPv4("1.2.3.4", 17, Packet.Udp(40000, 443), fragment: 185), null },
        { "first fragment", Packet.IPv4("1.2.3.4", 17, Packet.Udp(40000, 443), fragment: 0x2000), "udp 1.2.3.4:443" },
        { "options", Packet.IPv4("1.2.3.4", 17, Packet.Udp(40000, 443), options: 40), "udp 1.2.3.4:443" },
        { "SYN over IPv6", Packet.IPv6("2001:db8::1", 6, Packet.Tcp(22, 0x02)), "tcp [2001:db8::1]:22" },
        { "UDP over IPv6", Packet.IPv6("2001:db8::1", 17, Packet.Udp(40000, 443)), "udp [2001:db8::1]:443" },
        { "ping over IPv6", Packet.IPv6("2001:db8::1", 58, [128, 0, 0, 0]), "icmp 2001:db8::1" },
        { "neighbour solicitation", Packet.IPv6("ff02::1:ff00:1", 58, [135, 0, 0, 0]), null },
        { "MLD behind hop-by-hop", Packet.IPv6("ff02::16", 0, [58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0]), null },
        { "IPv6 loopback", Packet.IPv6("::1", 17, Packet.Udp(40000, 5000)), null },
        { "mapped loopback", Packet.IPv6("::ffff:127.0.0.1", 17, Packet.Udp(40000, 5000)), null },
        { "extension headers", Packet.IPv6("2001:db8::1", 0, s_extended), "udp [2001:db8::1]:443" },
        { "first fragment over IPv6", Packet.IPv6("2001:db8::1", 44, [17, 0, 0, 1, 0, 0, 0, 0, .. Packet.Udp(1, 443)]), "udp [2001:db8::1]:443" },
        { "later fragment over IPv6", Packet.IPv6("2001:db8::1", 44, [17, 0, 0, 8, 0, 0, 0, 0, .. Packet.Udp(1, 443)]), null },
        { "endless extensions", Packet.IPv6("2001:db8::1", 60, s_endless), null },
        { "IPv5", [0x50, .. new byte[40]], null },
        { "header length below the header", [0x44, .. new byte[40]], null },
    };

    [Theory]
    [MemberData(nameof(Packets))]
    public void Packet_IsReadAsWhatItTried(string what, byte[] packet, string? subject)
    {
        var isAttempt = PacketReader.TryRead(packet, out var seen);

        Assert.True(subject == (isAttempt ? seen.Subject : null), what);
    }

    [Theory]
    [MemberData(nameof(Packets))]
    public void EveryPrefix_AndEveryMutation_IsReadWithoutFault(string what, byte[] packet, string? subject)
    {
        _ = subject;
        for (var length = 0; length < packet.Length; length++)
            PacketReader.TryRead(packet.AsSpan(0, length), out _);

        var random = new Random(what.Length);
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = (byte[])packet.Clone();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            PacketReader.TryRead(bytes, out _);
        }
    }

    [Theory]
    [InlineData("1.2.3.4", 443, true)]
    [InlineData("1.2.3.4", 53, true)]
    [InlineData("1.2.3.4", 22, false)]
    [InlineData("2001:db8::1", 443, false)]
    [InlineData("198.18.0.1", 3128, true)]
    [InlineData("1.2.3.4", 3128, false)]
    public void AnsweredPorts_AreTheOnesWithASocket(string address, int port, bool isAnswered) =>
        Assert.Equal(isAnswered, Packet.Answered.Contains(IPAddress.Parse(address), port));
}
