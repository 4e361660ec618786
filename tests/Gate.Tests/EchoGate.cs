using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gatehouse.Gate.Tests;

/// <summary>The simplest gate: says hello, then echoes; records each connection, and closes it when it can not.</summary>
internal sealed class EchoGate(EventRecorder recorder) : IGate
{
    public ConcurrentDictionary<SessionId, GateSession> Sessions { get; } = new();

    /// <summary>What to do instead of opening.</summary>
    public Func<CancellationToken, Task>? Opening { get; set; }

    /// <summary>What to do when a session ends.</summary>
    public Func<Task>? Closing { get; set; }

    public async ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
    {
        if (Opening is not null)
            await Opening(cancellationToken);
        var slots = new SemaphoreSlim(SessionAcceptor.MaxConnections);
        var accepting = session.Sockets.Select(listener => SessionAcceptor.RunAsync(
            listener, slots, (socket, dialled, token) => EchoAsync(session, socket, dialled, token), NullLogger.Instance, session.Ended)).ToList();
        Sessions[session.Id] = session;
        return new Serving(this, session, accepting);
    }

    private async Task EchoAsync(GateSession session, Socket socket, IPEndPoint dialled, CancellationToken cancellationToken)
    {
        using var owned = socket;
        if (recorder.TryRecord(session, "connect", dialled.ToString(), Verdict.Allow("test")) is null)
            return;
        await socket.SendAsync("hello\n"u8.ToArray(), cancellationToken);
        var buffer = new byte[1024];
        while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var length)
            await socket.SendAsync(buffer.AsMemory(0, length), cancellationToken);
    }

    private sealed class Serving(EchoGate gate, GateSession session, List<Task> accepting) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            gate.Sessions.TryRemove(session.Id, out _);
            if (gate.Closing is not null)
                await gate.Closing();
            await Task.WhenAll(accepting);
        }
    }
}
