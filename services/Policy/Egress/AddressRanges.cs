using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// Addresses that no public name has business resolving to (IANA special-purpose registries, RFC 6890): private, loopback,
/// link-local with the metadata services, CGNAT, multicast, documentation, benchmarking, and IPv6 forms that embed such an IPv4.
/// </summary>
public static class AddressRanges
{
    private static readonly IPNetwork[] s_v4 =
    [
        .. Parse("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        // Metadata and wire services of clouds that use public space.
        .. Parse("168.63.129.16/32"),
    ];

    /// <summary>Global unicast is 2000::/3; within it these are not.</summary>
    private static readonly IPNetwork[] s_v6 = Parse("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48");

    private static readonly IPNetwork s_global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork s_nat64 = IPNetwork.Parse("64:ff9b::/96");

    public static bool IsSpecialPurpose(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return Array.Exists(s_v4, range => range.Contains(address));
        if (s_nat64.Contains(address))
            return IsSpecialPurpose(new IPAddress(address.GetAddressBytes().AsSpan(12)));
        return !s_global6.Contains(address) || Array.Exists(s_v6, range => range.Contains(address));
    }

    private static IPNetwork[] Parse(params string[] ranges) => Array.ConvertAll(ranges, IPNetwork.Parse);
}
