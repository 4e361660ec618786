using System.Buffers;
using System.Net.Sockets;

namespace Gatehouse.EgressProxy.Tunnel;

/// <summary>
/// Copies bytes between two connected sockets, untouched, until both directions have ended. The only code that moves a tunnel's bytes:
/// a faster loop replaces this class and nothing else.
/// </summary>
internal sealed class TunnelRelay
{
    /// <summary>Enough for an exchange of messages; what a quiet tunnel holds on to, twice.</summary>
    private const int FirstBuffer = 8 * 1024;

    /// <summary>For bulk: fewer system calls do not help above this size.</summary>
    private const int BulkBuffer = 128 * 1024;

    private readonly Socket _client;
    private readonly Socket _upstream;
    private readonly TimeProvider _time;
    private long _lastActivity;
    private int _outcome;

    private TunnelRelay(Socket client, Socket upstream, TimeProvider time)
    {
        (_client, _upstream, _time) = (client, upstream, time);
        _lastActivity = time.GetTimestamp();
    }

    /// <param name="client">The agent's side; closed on return, unless both directions ended in good order.</param>
    /// <param name="upstream">The origin's side; likewise.</param>
    /// <param name="first">Bytes of the client's that were read before: they are sent first.</param>
    /// <param name="idle">The tunnel is closed when neither side has sent anything for so long.</param>
    public static async Task<TunnelEnd> RunAsync(
        Socket client, Socket upstream, ReadOnlyMemory<byte> first, TimeSpan idle, TimeProvider time, CancellationToken cancellationToken)
    {
        var relay = new TunnelRelay(client, upstream, time);
        client.NoDelay = upstream.NoDelay = true;
        // Closing the sockets ends pending operations: cheaper than a registration for each of them.
        await using var timer = time.CreateTimer(_ => relay.CloseWhenIdle(idle), null, idle, Min(idle, TimeSpan.FromSeconds(30)));
        await using var ended = cancellationToken.UnsafeRegister(_ => relay.Close(TunnelOutcome.SessionEnded), null);

        var sending = relay.CopyAsync(client, upstream, first, TunnelOutcome.ClientFailed, TunnelOutcome.UpstreamFailed);
        var receiving = relay.CopyAsync(upstream, client, default, TunnelOutcome.UpstreamFailed, TunnelOutcome.ClientFailed);
        return new TunnelEnd(await sending, await receiving, (TunnelOutcome)relay._outcome);
    }

    /// <summary>One direction. The end of one leaves the other open: half-closed connections are ordinary (RFC 9293 §3.6).</summary>
    private async Task<long> CopyAsync(Socket from, Socket to, ReadOnlyMemory<byte> first, TunnelOutcome fromFailed, TunnelOutcome toFailed)
    {
        var copied = 0L;
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
        var failed = toFailed;
        try
        {
            copied += await SendAsync(to, first);
            while (true)
            {
                failed = fromFailed;
                var count = await from.ReceiveAsync(buffer.AsMemory(), SocketFlags.None);
                failed = toFailed;
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return copied;
                }

                Volatile.Write(ref _lastActivity, _time.GetTimestamp());
                copied += await SendAsync(to, buffer.AsMemory(0, count));

                if (count == buffer.Length && count < BulkBuffer)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = ArrayPool<byte>.Shared.Rent(BulkBuffer);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Close(failed);
            return copied;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<int> SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        for (var rest = bytes; !rest.IsEmpty;)
            rest = rest[await to.SendAsync(rest, SocketFlags.None)..];
        return bytes.Length;
    }

    private void CloseWhenIdle(TimeSpan idle)
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _lastActivity)) >= idle)
            Close(TunnelOutcome.Idle);
    }

    /// <summary>The first reason is the one that counts; what fails after it is its consequence.</summary>
    private void Close(TunnelOutcome outcome)
    {
        if (Interlocked.CompareExchange(ref _outcome, (int)outcome, (int)TunnelOutcome.Completed) != (int)TunnelOutcome.Completed)
            return;

        _client.Close(0);
        _upstream.Close(0);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
