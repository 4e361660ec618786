using System.Collections.Concurrent;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Recording;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>Serves each session's UDP and TCP sockets, and knows the sessions for the other gates' questions.</summary>
internal sealed class DnsGate(EventRecorder recorder, TimeProvider time, ILogger<DnsGate> logger) : IGate
{
    /// <summary>What an agent dialled in its last moment is read by another gate afterwards, and asked about then.</summary>
    private static readonly TimeSpan s_remembered = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, SessionResolver> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, GateAddressTable> _past = new(StringComparer.Ordinal);

    public SessionResolver? Find(string session) => _sessions.GetValueOrDefault(session);

    /// <summary>The names behind the addresses of a session that runs, or ended a moment ago.</summary>
    public GateAddressTable? FindTable(string session) => Find(session)?.Table ?? _past.GetValueOrDefault(session);

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
        return ValueTask.FromResult<IAsyncDisposable>(new Serving(this, resolver, log, datagrams, streams));
    }

    private void End(SessionResolver resolver)
    {
        var session = resolver.Session.Id.Value;
        _past[session] = resolver.Table;
        _sessions.TryRemove(session, out _);
        _ = ForgetAsync(session);
    }

    private async Task ForgetAsync(string session)
    {
        await Task.Delay(s_remembered, time);
        _past.TryRemove(session, out _);
    }

    private sealed class Serving(DnsGate gate, SessionResolver resolver, AttemptLog log, DatagramLoop datagrams, List<Task> streams) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            gate.End(resolver);
            await datagrams.DisposeAsync();
            log.Flush();
            await Task.WhenAll(streams);
        }
    }
}
