using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Lets Kestrel listen on <see cref="SessionEndPoint"/>s: it accepts what <see cref="SessionConnections"/> was given.</summary>
internal sealed class SessionListenerFactory(SessionConnections connections) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is SessionEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new Listener(connections, (SessionEndPoint)endpoint));

    private sealed class Listener(SessionConnections connections, SessionEndPoint endPoint) : IConnectionListener
    {
        private readonly ChannelReader<ConnectionContext> _queue = connections.Bind(endPoint.Name);

        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _queue.WaitToReadAsync(cancellationToken) && _queue.TryRead(out var connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            connections.Unbind(endPoint.Name);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
