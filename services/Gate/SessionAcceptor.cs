using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Native;
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
    /// Runs until the session ends, and until what it accepted has ended. <paramref name="handle"/> gets the accepted socket, which it owns, and the
    /// address the agent dialled (IPv4-mapped is unmapped); an exception from it closes that connection and is logged, never ends the loop. When
    /// the session ends, connections that are still handled are closed under their handlers.
    /// </summary>
    /// <param name="listener">Listening.</param>
    /// <param name="slots">Shared by all listeners of the session: one slot is held while <paramref name="handle"/> runs.</param>
    /// <param name="handle">Serves one connection.</param>
    /// <param name="logger">Where failures go.</param>
    /// <param name="cancellationToken">The session's end.</param>
    public static async Task RunAsync(
        SessionSocket listener, SemaphoreSlim slots, Func<Socket, IPEndPoint, CancellationToken, Task> handle, ILogger logger,
        CancellationToken cancellationToken)
    {
        var open = new ConcurrentDictionary<Socket, Task>();
        using var closing = cancellationToken.UnsafeRegister(static state => CloseAll((ConcurrentDictionary<Socket, Task>)state!), open);
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                // A slot for the accepted, not for the waiting: listeners on which nothing comes must not hold any.
                var accepted = await AcceptAsync(listener.Socket, logger, cancellationToken);
                if (!await TakeSlotAsync(slots, accepted, cancellationToken))
                    break;
                open[accepted] = Task.CompletedTask;
                var serving = Task.Run(() => ServeAsync(accepted, slots, open, handle, logger, cancellationToken), CancellationToken.None);
                open.TryUpdate(accepted, serving, Task.CompletedTask);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The session ended.
        }
        CloseAll(open);
        await Task.WhenAll(open.Values);
    }

    private static async Task<Socket> AcceptAsync(Socket listener, ILogger logger, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await listener.AcceptAsync(cancellationToken);
            }
            catch (SocketException error) when (!cancellationToken.IsCancellationRequested)
            {
                Log.AcceptFailed(logger, error.SocketErrorCode);
                await Task.Delay(s_afterExhaustion, cancellationToken);
            }
            catch (SocketException)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<bool> TakeSlotAsync(SemaphoreSlim slots, Socket accepted, CancellationToken cancellationToken)
    {
        try
        {
            await slots.WaitAsync(cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            accepted.Dispose();
            return false;
        }
    }

    private static async Task ServeAsync(
        Socket socket, SemaphoreSlim slots, ConcurrentDictionary<Socket, Task> open, Func<Socket, IPEndPoint, CancellationToken, Task> handle,
        ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            if (SocketFacts.LocalEndPoint(socket.SafeHandle) is { } dialled)
                await handle(socket, dialled, cancellationToken);
            else
                socket.Dispose();
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
            open.TryRemove(socket, out _);
            slots.Release();
        }
    }

    private static void CloseAll(ConcurrentDictionary<Socket, Task> open)
    {
        foreach (var socket in open.Keys)
            socket.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A connection of an agent ended by an error.")]
        public static partial void ConnectionFailed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "A connection of an agent could not be accepted just now: {Error}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError error);
    }
}
