namespace Gatehouse.Gate.Handover;

/// <param name="Purpose">What arrives on it.</param>
/// <param name="Port">Bound port; 0 for the tap.</param>
/// <param name="IsIPv6">Address family.</param>
public sealed record SocketDescription(SocketPurpose Purpose, int Port, bool IsIPv6);

public enum SocketPurpose
{
    /// <summary>UDP 53 on every address.</summary>
    DnsUdp,

    /// <summary>TCP 53 on every address, listening.</summary>
    DnsTcp,

    /// <summary>A TCP port on every address, listening: whatever the agent dials arrives here.</summary>
    Transparent,

    /// <summary>198.18.0.1:3128, listening: the explicit proxy.</summary>
    ExplicitProxy,

    /// <summary>198.18.0.1:80, listening: the secrets gateway.</summary>
    Secrets,

    /// <summary>AF_PACKET, SOCK_DGRAM, with a filter that passes initial SYNs, UDP and ICMP: the record of what no gate answers.</summary>
    Tap,
}
