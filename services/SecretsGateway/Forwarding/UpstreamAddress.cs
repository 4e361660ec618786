using System.Net;
using Gatehouse.Policy;
using Gatehouse.Policy.Egress;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// Whether a credential may be sent to the address that an upstream's name led to. A name that leads into this machine or its network is
/// DNS rebinding; an address that a person wrote is what they want.
/// </summary>
internal static class UpstreamAddress
{
    /// <param name="policy">May name the address under <c>egress:</c>.</param>
    /// <param name="host">The upstream's host as the policy has it.</param>
    /// <param name="address">What the connection is to.</param>
    public static bool IsPermitted(AgentPolicy policy, string host, IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (IPAddress.TryParse(host, out var literal))
            return literal.Equals(address);
        if (host == "localhost")
            return IPAddress.IsLoopback(address);
        return !AddressRanges.IsSpecialPurpose(address) || policy.Egress.NamesAddress(address);
    }
}

/// <summary>The message is for the record: host and address.</summary>
internal sealed class UpstreamAddressException(string message) : IOException(message);
