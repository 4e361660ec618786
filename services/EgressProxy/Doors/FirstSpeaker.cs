using System.Net.Sockets;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>
/// Waits until one side of a fresh tunnel has spoken. On ports where nobody knows the protocol, either may be first (SSH and SMTP
/// servers, TLS and HTTP clients). A client that is first must show its first bytes before they are passed on; once the server has
/// spoken it is no TLS server, and there is no SNI to disagree. No timer decides this: a client could wait it out.
/// </summary>
internal static class FirstSpeaker
{
    /// <returns>True for the client, false for the server.</returns>
    /// <exception cref="OperationCanceledException">Neither has spoken in time.</exception>
    public static async Task<bool> IsClientAsync(Socket client, Socket upstream, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var fromClient = PeekAsync(client, stop.Token);
        var fromServer = PeekAsync(upstream, stop.Token);
        try
        {
            // A server that has closed without a word has not spoken: the client is still to be looked at.
            if (await Task.WhenAny(fromClient, fromServer) == fromServer && await fromServer == 0)
                await Task.WhenAny(fromClient);
            return fromClient.IsCompleted;
        }
        finally
        {
            await stop.CancelAsync();
            // The sockets are free for others only when these have returned.
            await ((Task)Task.WhenAll(fromClient, fromServer)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async Task<int> PeekAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1].AsMemory(), SocketFlags.Peek, cancellationToken);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
