using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Forwarding;
using Gatehouse.EgressProxy.Tap;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Recording;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Sessions;

/// <summary>Serves a session's listeners and its tap.</summary>
internal sealed class EgressGate(
    ProxyDoor proxy, TransparentDoor transparent, Dialler dialler, GateAddresses addresses, EventRecorder recorder, IOptions<EgressOptions> options, TimeProvider time,
    ILogger<EgressGate> logger) : IGate
{
    public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
    {
        var upstream = SessionUpstream.Create(session, dialler);
        var slots = new SemaphoreSlim(SessionAcceptor.MaxConnections);
        var accepting = session.Sockets.Where(socket => socket.Description.Purpose is SocketPurpose.ExplicitProxy or SocketPurpose.Transparent)
            .Select(listener => SessionAcceptor.RunAsync(listener, slots, (socket, dialled, token) =>
            {
                socket.NoDelay = true;
                var purpose = listener.Description.Purpose;
                var connection = new AgentConnection(session, upstream, socket, dialled, purpose)
                {
                    Via = purpose == SocketPurpose.ExplicitProxy ? Decisions.Way.ProxyHttp : TransparentDoor.WayOf(dialled.Port),
                };
                return purpose == SocketPurpose.ExplicitProxy ? proxy.HandleAsync(connection, token) : transparent.HandleAsync(connection, token);
            }, logger, session.Ended)).ToList();

        var record = new PacketRecord(session, recorder, AnsweredPorts.Of(session.Sockets), options.Value.PacketEventsPerSecond, time,
            new DialledNames(session, addresses, time).Find);
        var tap = session.Sockets.FirstOrDefault(socket => socket.Description.Purpose == SocketPurpose.Tap) is { } socket
            ? new PacketTap(socket, record, session.Id)
            : null;
        return ValueTask.FromResult<IAsyncDisposable>(new Serving(upstream, accepting, tap));
    }

    private sealed class Serving(HttpMessageInvoker upstream, List<Task> accepting, PacketTap? tap) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (tap is not null)
                await tap.DisposeAsync();
            await Task.WhenAll(accepting);
            upstream.Dispose();
        }
    }
}
