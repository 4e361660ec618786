using System.Net.Sockets;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>Notices that a client went away while it has nothing to say.</summary>
internal static class HangUp
{
    /// <summary>
    /// Completes when the client has closed or reset the connection. Takes nothing from it: bytes that come meanwhile stay for whoever reads next,
    /// and end the watch, for what follows them can not be seen.
    /// </summary>
    public static async Task WaitAsync(Socket socket, CancellationToken cancellationToken)
    {
        var one = new byte[1];
        try
        {
            if (await socket.ReceiveAsync(one.AsMemory(), SocketFlags.Peek, cancellationToken) == 0)
                return;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return;
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
