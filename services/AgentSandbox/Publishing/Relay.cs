using System.Buffers;
using System.Net.Sockets;

namespace Gatehouse.AgentSandbox.Publishing;

/// <summary>Two connected sockets, each one's bytes to the other, half-closes passed on.</summary>
internal static class Relay
{
    private const int BufferSize = 64 * 1024;

    /// <returns>Bytes from the first to the second, and from the second to the first.</returns>
    public static async Task<(long Forth, long Back)> RunAsync(Socket first, Socket second, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var forth = PumpAsync(first, second, ended);
        var back = PumpAsync(second, first, ended);
        return (await forth, await back);
    }

    private static async Task<long> PumpAsync(Socket from, Socket to, CancellationTokenSource ended)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        long total = 0;
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer.AsMemory(0, BufferSize), SocketFlags.None, ended.Token)) > 0)
            {
                for (var at = 0; at < length;)
                    at += await to.SendAsync(buffer.AsMemory(at, length - at), SocketFlags.None, ended.Token);
                total += length;
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone: so is the other.
            await ended.CancelAsync();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return total;
    }
}
