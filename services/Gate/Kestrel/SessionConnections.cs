using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Hands connections that a gate accepted itself to Kestrel. Singleton, registered by <see cref="SessionKestrel.UseSessionConnections"/>.</summary>
public sealed class SessionConnections(ILoggerFactory loggers) : IDisposable
{
    /// <summary>Connections between two turns of Kestrel's accept loop; a full queue means that it is not running.</summary>
    private const int Backlog = 256;

    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger("Gatehouse.Gate.Kestrel"));
    private readonly ConcurrentDictionary<string, Channel<ConnectionContext>> _endPoints = new(StringComparer.Ordinal);

    /// <summary>
    /// Gives <paramref name="socket"/>, of which nothing but a peek was read, to the Kestrel endpoint named <paramref name="endPoint"/>. Kestrel owns it
    /// from then on; it is aborted when the session ends.
    /// </summary>
    /// <returns>Null when the endpoint is not bound or its backlog is full, and the caller still owns the socket; else a task that ends with the connection.</returns>
    public Task? TryAdd(string endPoint, Socket socket, ISessionFeature session)
    {
        if (!_endPoints.TryGetValue(endPoint, out var queue))
            return null;
        var connection = _contexts.Create(socket);
        connection.Features.Set(session);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var abort = session.Session.Ended.UnsafeRegister(static state => ((ConnectionContext)state!).Abort(new ConnectionAbortedException("the session ended")), connection);
        connection.ConnectionClosed.UnsafeRegister(_ =>
        {
            abort.Unregister();
            ended.TrySetResult();
        }, null);
        if (queue.Writer.TryWrite(connection))
            return ended.Task;
        connection.Abort(new ConnectionAbortedException("the gate is stopping"));
        return ended.Task;
    }

    public void Dispose() => _contexts.Dispose();

    internal ChannelReader<ConnectionContext> Bind(string endPoint)
    {
        var queue = Channel.CreateBounded<ConnectionContext>(Backlog);
        return _endPoints.TryAdd(endPoint, queue) ? queue.Reader : throw new AddressInUseException($"the session endpoint '{endPoint}' is bound twice");
    }

    internal void Unbind(string endPoint)
    {
        if (_endPoints.TryRemove(endPoint, out var queue))
            queue.Writer.TryComplete();
    }
}
