using System.Collections.Concurrent;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Recording;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>Serves each session's UDP and TCP sockets, and knows the sessions for the other gates' questions.</summary>
internal sealed class DnsGate(EventRecorder recorder, TimeProvider time, ILogger<DnsGate> logger) : IGate
{
    private readonly ConcurrentDictionary<string, SessionResolver> _sessions = new(StringComparer.Ordinal);

    public SessionResolver? Find(string session) => _sessions.GetValueOrDefault(session);

    public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
    {
        var log = new AttemptLog(session, recorder, time);
        var resolver = new SessionResolver(session, new GateAddressTable(), log);
        var slots = new SemaphoreSlim(StreamDoor.MaxConnections);
        var streams = session.Sockets.Where(socket => socket.Description.Purpose == SocketPurpose.DnsTcp)
            .Select(listener => SessionAcceptor.RunAsync(listener, slots, (socket, _, token) => StreamDoor.ServeAsync(resolver, socket, token), logger, session.Ended))
            .ToList();
        var datagrams = new DatagramLoop(resolver, session.Sockets.Where(socket => socket.Description.Purpose == SocketPurpose.DnsUdp));
        _sessions[session.Id.Value] = resolver;
        return ValueTask.FromResult<IAsyncDisposable>(new Serving(this, session, log, datagrams, streams));
    }

    private sealed class Serving(DnsGate gate, GateSession session, AttemptLog log, DatagramLoop datagrams, List<Task> streams) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            gate._sessions.TryRemove(session.Id.Value, out _);
            await datagrams.DisposeAsync();
            log.Flush();
            await Task.WhenAll(streams);
        }
    }
}
