using System.Net;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// Addresses that no public name has business resolving to (IANA special-purpose registries, RFC 6890): private, loopback,
/// link-local with the metadata services, CGNAT, multicast, documentation, benchmarking, and IPv6 forms that embed such an IPv4.
/// </summary>
public static class AddressRanges
{
    public static bool IsSpecialPurpose(IPAddress address) => throw new NotImplementedException();
}
