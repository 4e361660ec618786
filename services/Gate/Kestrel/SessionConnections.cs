using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Kestrel;

/// <summary>
/// Hands connections that a gate accepted itself to Kestrel, which asks this transport for its <see cref="SessionEndPoint"/>s. Singleton, registered
/// by <see cref="SessionKestrel.UseSessionConnections"/>.
/// </summary>
public sealed class SessionConnections(ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger("Gatehouse.Gate.Kestrel"));
    private readonly ConcurrentDictionary<string, SessionListener> _endPoints = new(StringComparer.Ordinal);

    /// <summary>
    /// Gives <paramref name="socket"/>, of which nothing but a peek was read, to the Kestrel endpoint named <paramref name="endPoint"/>. Kestrel owns it
    /// from then on; it is aborted when the session ends.
    /// </summary>
    /// <returns>Null when the endpoint is not bound or its backlog is full, and the caller still owns the socket;
    /// else a task that ends with the connection.</returns>
    public Task? TryAdd(string endPoint, Socket socket, ISessionFeature session) =>
        _endPoints.TryGetValue(endPoint, out var listener) ? listener.TryAdd(() => new(_contexts.Create(socket), session)) : null;

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is SessionEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var name = ((SessionEndPoint)endpoint).Name;
        var listener = new SessionListener(endpoint, () => _endPoints.TryRemove(name, out _));
        return _endPoints.TryAdd(name, listener)
            ? ValueTask.FromResult<IConnectionListener>(listener)
            : throw new AddressInUseException($"The session endpoint '{name}' is bound twice.");
    }

    public void Dispose() => _contexts.Dispose();
}
