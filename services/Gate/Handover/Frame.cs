using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>Length-prefixed JSON over a unix stream socket: 4 bytes little-endian, then so many bytes of UTF-8.</summary>
internal static class Frame
{
    public static byte[] Encode<T>(T message, JsonTypeInfo<T> type)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(message, type);
        var frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame, 4);
        return frame;
    }

    /// <summary>Sends all of it, the descriptors with its first byte.</summary>
    public static async Task SendAsync(Socket socket, byte[] frame, IReadOnlyList<int> descriptors, CancellationToken cancellationToken)
    {
        // A frame is far smaller than an empty socket's buffer, so this does not block; what is left goes the ordinary way.
        var sent = DescriptorMessage.Send((int)socket.Handle, frame, descriptors);
        if (sent < 0)
            throw new SocketException(Marshal.GetLastPInvokeError());
        for (var at = sent; at < frame.Length;)
            at += await socket.SendAsync(frame.AsMemory(at), SocketFlags.None, cancellationToken);
    }

    /// <summary>Receives one frame.</summary>
    /// <returns>Null when it is too long, cut, or not such an object. Descriptors are received all the same, and the caller's to close.</returns>
    public static async Task<(T? Message, int[] Descriptors)> ReceiveAsync<T>(Socket socket, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var buffer = new byte[4 + SessionHeader.MaxBytes];
        // A zero-byte receive completes when there is something to read; only then may recvmsg be called without blocking.
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
        var filled = DescriptorMessage.Receive((int)socket.Handle, buffer, out var descriptors, out var isCut);
        if (filled <= 0 || isCut)
            return (null, descriptors);
        var wanted = 4;
        while (true)
        {
            if (filled >= 4 && wanted == 4)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(buffer);
                if (length is <= 0 or > SessionHeader.MaxBytes)
                    return (null, descriptors);
                wanted += length;
            }

            if (filled >= wanted && wanted > 4)
                break;
            var received = await socket.ReceiveAsync(buffer.AsMemory(filled, wanted - filled), SocketFlags.None, cancellationToken);
            if (received == 0)
                return (null, descriptors);
            filled += received;
        }

        try
        {
            return (filled == wanted ? JsonSerializer.Deserialize(buffer.AsSpan(4, wanted - 4), type) : null, descriptors);
        }
        catch (JsonException)
        {
            return (null, descriptors);
        }
    }
}
