using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// Addresses that no public name has business resolving to (IANA special-purpose registries, RFC 6890): private, loopback,
/// link-local with the metadata services, CGNAT, multicast, documentation, benchmarking, and IPv6 forms that embed such an IPv4.
/// </summary>
public static class AddressRanges
{
    // First address, prefix length.
    private static readonly (uint Network, int Length)[] SpecialIPv4 =
    [
        (0x00000000, 8),  // 0.0.0.0/8       this network; Linux takes 0.0.0.0 for loopback
        (0x0A000000, 8),  // 10.0.0.0/8      private (RFC 1918)
        (0x64400000, 10), // 100.64.0.0/10   CGNAT (RFC 6598), with Alibaba's metadata at 100.100.100.200
        (0x7F000000, 8),  // 127.0.0.0/8     loopback
        (0xA83F8110, 32), // 168.63.129.16   Azure's host endpoint: not registered as special, but never a public service
        (0xA9FE0000, 16), // 169.254.0.0/16  link-local, with the metadata services
        (0xAC100000, 12), // 172.16.0.0/12   private
        (0xC0000000, 24), // 192.0.0.0/24    IETF protocol assignments, with Oracle's metadata at 192.0.0.192
        (0xC0000200, 24), // 192.0.2.0/24    documentation
        (0xC0586300, 24), // 192.88.99.0/24  6to4 relays, withdrawn (RFC 7526)
        (0xC0A80000, 16), // 192.168.0.0/16  private
        (0xC6120000, 15), // 198.18.0.0/15   benchmarking; our gate addresses
        (0xC6336400, 24), // 198.51.100.0/24 documentation
        (0xCB007100, 24), // 203.0.113.0/24  documentation
        (0xE0000000, 4),  // 224.0.0.0/4     multicast
        (0xF0000000, 4),  // 240.0.0.0/4     reserved, and broadcast
    ];

    /// <summary>Whether the address is one that only a rule which names it may reach.</summary>
    public static bool IsSpecialPurpose(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
            return true;
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return length != 4 || IsSpecialIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        return IsSpecialIPv6(bytes);
    }

    private static bool IsSpecialIPv4(uint address)
    {
        foreach (var (network, length) in SpecialIPv4)
            if ((address ^ network) >> (32 - length) == 0)
                return true;
        return false;
    }

    private static bool IsSpecialIPv6(ReadOnlySpan<byte> address)
    {
        var high = BinaryPrimitives.ReadUInt64BigEndian(address);
        var low = BinaryPrimitives.ReadUInt32BigEndian(address[12..]);
        // ::ffff:0:0/96 IPv4-mapped, and 64:ff9b::/96 NAT64 (RFC 6052): as their IPv4.
        if (high == 0 && BinaryPrimitives.ReadUInt32BigEndian(address[8..]) == 0xFFFF)
            return IsSpecialIPv4(low);
        if (high == 0x0064FF9B_00000000 && BinaryPrimitives.ReadUInt32BigEndian(address[8..]) == 0)
            return IsSpecialIPv4(low);
        // Only 2000::/3 is global unicast: loopback, unique local, link-local, multicast, discard-only and SRv6 lie outside of it.
        if (high >> 61 != 1)
            return true;
        return high >> 41 == 0x20010000_00000000 >> 41            // 2001::/23     IETF protocol assignments: Teredo, ORCHID, benchmarking
            || high >> 32 == 0x20010DB8                           // 2001:db8::/32 documentation
            || high >> 44 == 0x3FFF0                              // 3fff::/20     documentation
            || (high >> 48 == 0x2002 && IsSpecialIPv4((uint)(high >> 16))); // 2002::/16 6to4: as its IPv4
    }
}
