using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Gatehouse.Gate.Kestrel;

/// <summary>The queue from a gate's accept loops to Kestrel's.</summary>
internal sealed class SessionListener(EndPoint endPoint, Action unbound) : IConnectionListener
{
    /// <summary>Connections between two turns of Kestrel's accept loop; a full queue means that it is not running.</summary>
    private const int Backlog = 256;

    private readonly Channel<SessionConnection> _queue = Channel.CreateUnbounded<SessionConnection>();
    private int _queued;

    public EndPoint EndPoint => endPoint;

    /// <param name="create">Called only when there is room: it starts to read from the socket.</param>
    /// <returns>Null when there is none.</returns>
    public Task? TryAdd(Func<SessionConnection> create)
    {
        if (Interlocked.Increment(ref _queued) > Backlog)
        {
            Interlocked.Decrement(ref _queued);
            return null;
        }
        var connection = create();
        if (_queue.Writer.TryWrite(connection))
            return connection.Done;
        _ = EndAsync(connection); // Unbound in between: the gate stops.
        return connection.Done;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_queue.Reader.TryRead(out var connection))
            {
                Interlocked.Decrement(ref _queued);
                return connection;
            }
        }
        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        unbound();
        _queue.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_queue.Reader.TryRead(out var connection))
            await EndAsync(connection);
    }

    private static async Task EndAsync(SessionConnection connection)
    {
        connection.Abort(new ConnectionAbortedException("The gate stops."));
        await connection.DisposeAsync();
    }
}
