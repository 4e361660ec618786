using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Gatehouse.LogSink.Access;

/// <summary>
/// Kestrel asks this transport for every endpoint that is neither loopback nor a unix socket, however it was configured, and is refused: the record
/// is not for the LAN. It takes no other endpoint.
/// </summary>
internal sealed class LoopbackOnly : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint address ? !IPAddress.IsLoopback(address.Address) : endpoint is not UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        throw new ListeningRefusedException(
            $"the log sink listens on loopback only, not on {endpoint}: use http://127.0.0.1:PORT, or set LogSink:AllowRemote=true inside a container");
}

/// <summary>The configured address would open the record to others.</summary>
internal sealed class ListeningRefusedException(string message) : InvalidOperationException(message);
