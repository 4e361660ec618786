using System.Collections.Concurrent;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Kestrel;
using Microsoft.Extensions.Options;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>Gives the connections of each session to Kestrel, and keeps what belongs to the session.</summary>
internal sealed class SecretsGate(SessionConnections connections, IOptions<GatewayOptions> options, ILogger<SecretsGate> logger) : IGate
{
    public const string EndPoint = "secrets";

    private readonly ConcurrentDictionary<GateSession, SessionState> _sessions = new();

    /// <summary>Null when the session has ended.</summary>
    public SessionState? Find(GateSession session) => _sessions.GetValueOrDefault(session);

    public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
    {
        var listeners = session.Sockets.Where(socket => socket.Description.Purpose == SocketPurpose.Secrets).ToList();
        if (listeners.Count == 0)
            throw new SessionRefusedException("no socket came for the secrets gateway: restart the services with 'gatehouse down'");
        _sessions[session] = new SessionState(session, options.Value);
        var slots = new SemaphoreSlim(SessionAcceptor.MaxConnections);
        var accepting = listeners.Select(listener => SessionAcceptor.RunAsync(listener, slots, async (socket, dialled, _) =>
        {
            if (connections.TryAdd(EndPoint, socket, new SessionFeature(session, dialled, SocketPurpose.Secrets)) is { } ended)
                await ended;
            else
                socket.Dispose();
        }, logger, session.Ended)).ToList();
        return ValueTask.FromResult<IAsyncDisposable>(new Serving(this, session, accepting));
    }

    private sealed class Serving(SecretsGate gate, GateSession session, List<Task> accepting) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (gate._sessions.TryRemove(session, out var state))
                state.Dispose();
            await Task.WhenAll(accepting);
        }
    }
}
