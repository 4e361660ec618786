using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate;

/// <summary>Accepts on a session's listening socket until the session ends, at most so many connections at a time.</summary>
public static partial class SessionAcceptor
{
    /// <summary>Connections of one session that are open at a time over all its listeners; more wait in the backlog.</summary>
    public const int MaxConnections = 1024;

    /// <summary>When descriptors or memory run out, the backlog holds what comes meanwhile.</summary>
    private static readonly TimeSpan s_afterExhaustion = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Runs until the session ends. <paramref name="handle"/> gets the accepted socket, which it owns, and the address the agent dialled
    /// (IPv4-mapped is unmapped); an exception from it closes that connection and is logged, never ends the loop.
    /// </summary>
    /// <param name="listener">Listening.</param>
    /// <param name="slots">Shared by all listeners of the session: one slot is held while <paramref name="handle"/> runs.</param>
    /// <param name="handle">Serves one connection.</param>
    /// <param name="logger">Where failures go.</param>
    /// <param name="cancellationToken">The session's end.</param>
    public static async Task RunAsync(
        SessionSocket listener, SemaphoreSlim slots, Func<Socket, IPEndPoint, CancellationToken, Task> handle, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await slots.WaitAsync(cancellationToken);
                var accepted = await AcceptAsync(listener.Socket, slots, cancellationToken);
                if (accepted is null)
                    slots.Release();
                else
                    _ = ServeAsync(accepted, slots, handle, logger, cancellationToken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The session ended.
        }
    }

    private static async Task<Socket?> AcceptAsync(Socket listener, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        try
        {
            return await listener.AcceptAsync(cancellationToken);
        }
        catch (SocketException) when (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(s_afterExhaustion, cancellationToken);
            return null;
        }
        catch
        {
            slots.Release();
            throw;
        }
    }

    private static async Task ServeAsync(
        Socket socket, SemaphoreSlim slots, Func<Socket, IPEndPoint, CancellationToken, Task> handle, ILogger logger, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var dialled = (IPEndPoint)socket.LocalEndPoint!;
            if (dialled.Address.IsIPv4MappedToIPv6)
                dialled = new(dialled.Address.MapToIPv4(), dialled.Port);
            await handle(socket, dialled, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or IOException)
        {
            socket.Dispose();
        }
        catch (Exception e)
        {
            socket.Dispose();
            Log.ConnectionFailed(logger, e);
        }
        finally
        {
            slots.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A connection of an agent ended by an error")]
        public static partial void ConnectionFailed(ILogger logger, Exception exception);
    }
}
