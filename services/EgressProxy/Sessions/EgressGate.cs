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
    ProxyDoor proxy, TransparentDoor transparent, Dialler dialler, EventRecorder recorder, IOptions<EgressOptions> options, TimeProvider time,
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

        var answered = AnsweredPorts.Of(session.Sockets);
        var taps = session.Sockets.Where(socket => socket.Description.Purpose == SocketPurpose.Tap)
            .Select(socket => new PacketTap(socket, new PacketRecord(session, recorder, answered, options.Value.PacketEventsPerSecond, time), session.Id))
            .ToList();
        return ValueTask.FromResult<IAsyncDisposable>(new Serving(upstream, accepting, taps));
    }

    private sealed class Serving(HttpMessageInvoker upstream, List<Task> accepting, List<PacketTap> taps) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var tap in taps)
                await tap.DisposeAsync();
            await Task.WhenAll(accepting);
            upstream.Dispose();
        }
    }
}
