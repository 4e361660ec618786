using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>Turns what was dialled into what was meant: an address that the session's resolver gave out stands for a name.</summary>
internal sealed class GateAddresses(ResolverClient resolver)
{
    /// <summary>The name behind the address, or the address itself; null when nobody can tell.</summary>
    public async Task<Destination?> MeaningOfAsync(GateSession session, IPAddress address, int port, CancellationToken cancellationToken)
    {
        // There are no IPv6 gate addresses: AAAA is always NODATA.
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            var (name, isAvailable) = await resolver.NameOfAsync(session, address, cancellationToken);
            if (!isAvailable)
                return null;
            if (name is not null)
                return new Destination(RemoteHost.Of(name.Value), port);
        }

        return new Destination(RemoteHost.Of(address), port);
    }
}
