using System.Collections.Concurrent;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Kestrel;
using Gatehouse.SecretsGateway.Forwarding;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>Gives the connections of each session to Kestrel, and keeps what belongs to the session.</summary>
internal sealed class SecretsGate(SessionConnections connections, ILogger<SecretsGate> logger) : IGate
{
    public const string EndPoint = "secrets";

    private readonly ConcurrentDictionary<GateSession, SessionState> _sessions = new();

    public SessionState? Find(GateSession session) => _sessions.GetValueOrDefault(session);

    public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
    {
        var slots = new SemaphoreSlim(SessionAcceptor.MaxConnections);
        var accepting = session.Sockets.Where(socket => socket.Description.Purpose == SocketPurpose.Secrets)
            .Select(listener => SessionAcceptor.RunAsync(listener, slots, async (socket, dialled, _) =>
            {
                if (connections.TryAdd(EndPoint, socket, new SessionFeature(session, dialled, SocketPurpose.Secrets)) is { } ended)
                    await ended;
                else
                    socket.Dispose();
            }, logger, session.Ended)).ToList();
        _sessions[session] = new SessionState(session);
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

/// <summary>What the gateway keeps for one session.</summary>
internal sealed class SessionState(GateSession session) : IDisposable
{
    /// <summary>Requests at a time: an agent's tools in parallel, many times over.</summary>
    public const int MaxRequests = 256;

    public UpstreamClients Clients { get; } = new(session);

    public SemaphoreSlim Requests { get; } = new(MaxRequests);

    public void Dispose() => Clients.Dispose();
}
