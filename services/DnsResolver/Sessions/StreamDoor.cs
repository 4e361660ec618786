using System.Buffers.Binary;
using System.Net.Sockets;
using Gatehouse.DnsResolver.Wire;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>DNS over TCP (RFC 7766): questions one after another, each behind its length.</summary>
internal static class StreamDoor
{
    /// <summary>TCP connections of one session at a time.</summary>
    public const int MaxConnections = 32;

    /// <summary>RFC 7766 §6.2.3 asks for seconds; a question that takes longer to arrive is no question.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);

    private const int MaxQuery = 4096;

    public static async Task ServeAsync(SessionResolver resolver, Socket socket, CancellationToken cancellationToken)
    {
        using var _ = socket;
        socket.NoDelay = true;
        var query = new byte[2 + MaxQuery];
        var reply = new byte[2 + ReplyWriter.MaxReply];
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        while (true)
        {
            idle.CancelAfter(s_idle);
            if (!await FillAsync(socket, query.AsMemory(0, 2), idle.Token))
                return;
            var length = BinaryPrimitives.ReadUInt16BigEndian(query);
            if (length is < DnsQuery.HeaderSize or > MaxQuery || !await FillAsync(socket, query.AsMemory(2, length), idle.Token))
                return;
            var answer = resolver.Answer(query.AsSpan(2, length), reply.AsSpan(2), isStream: true);
            if (answer == 0)
                return;
            BinaryPrimitives.WriteUInt16BigEndian(reply, (ushort)answer);
            for (var sent = 0; sent < answer + 2;)
                sent += await socket.SendAsync(reply.AsMemory(sent, answer + 2 - sent), SocketFlags.None, idle.Token);
        }
    }

    private static async ValueTask<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var received = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            if (received == 0)
                return false;
            buffer = buffer[received..];
        }

        return true;
    }
}
