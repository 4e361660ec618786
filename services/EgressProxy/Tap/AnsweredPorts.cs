using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>Where connections are accepted, and recorded by whoever accepts them; every other SYN is the tap's to record.</summary>
internal sealed class AnsweredPorts
{
    private const int DnsPort = 53;

    /// <summary>Gatehouse's own address in an enclosure.</summary>
    private static readonly IPAddress s_gate = new([198, 18, 0, 1]);

    private readonly FrozenSet<(bool IsIPv6, int Port)> _everywhere;
    private readonly FrozenSet<int> _onGate;

    private AnsweredPorts(IEnumerable<(bool IsIPv6, int Port)> everywhere, IEnumerable<int> onGate) =>
        (_everywhere, _onGate) = (everywhere.ToFrozenSet(), onGate.ToFrozenSet());

    public static AnsweredPorts Of(IEnumerable<SessionSocket> sockets)
    {
        var descriptions = sockets.Select(socket => socket.Description).ToList();
        // The resolver's sockets are not among those that this gate gets.
        return new AnsweredPorts(
            descriptions.Where(each => each.Purpose == SocketPurpose.Transparent).Select(each => (each.IsIPv6, each.Port))
                .Append((false, DnsPort)).Append((true, DnsPort)),
            descriptions.Where(each => each.Purpose == SocketPurpose.ExplicitProxy).Select(each => each.Port));
    }

    public bool Contains(IPAddress address, int port) =>
        _everywhere.Contains((address.AddressFamily == AddressFamily.InterNetworkV6, port)) || (_onGate.Contains(port) && address.Equals(s_gate));
}
