using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>The gate's side of the one message and the one answer, as <see cref="SessionHeader"/> documents them.</summary>
internal static class HandoverProtocol
{
    public const int Version = 1;

    /// <summary>Handing over takes milliseconds; whoever takes longer is stuck, and must not hold a place.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Reads header and descriptors. These belong to <paramref name="descriptors"/>, also when an exception ends it.</summary>
    /// <exception cref="SessionRefusedException">The message is not what it should be.</exception>
    public static async Task<SessionHeader> ReadAsync(Socket socket, ReceivedDescriptors descriptors, CancellationToken cancellationToken)
    {
        var length = new byte[sizeof(uint)];
        await FillAsync(socket, length, descriptors, cancellationToken);
        var size = BinaryPrimitives.ReadUInt32LittleEndian(length);
        if (size is 0 or > SessionHeader.MaxBytes)
            throw new SessionRefusedException($"The header is said to be {size} bytes long; 1 to {SessionHeader.MaxBytes} are taken.");

        var json = new byte[size];
        await FillAsync(socket, json, descriptors, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(json, HandoverJson.Default.SessionHeader)
                ?? throw new SessionRefusedException("The header is null.");
        }
        catch (JsonException error)
        {
            // The path, never the text: the header may hold secrets.
            throw new SessionRefusedException(
                $"The header is not what this version reads (at {error.Path ?? "$"}). Use one version of Gatehouse for all parts.");
        }
    }

    /// <returns>False when the launcher is no longer there.</returns>
    public static async Task<bool> ReplyAsync(Socket socket, SessionReply reply, CancellationToken cancellationToken)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(reply, HandoverJson.Default.SessionReply);
        try
        {
            await SendAllAsync(socket, (byte[])[.. line, (byte)'\n'], cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (!data.IsEmpty)
            data = data[await socket.SendAsync(data, SocketFlags.None, cancellationToken)..];
    }

    private static async Task FillAsync(Socket socket, Memory<byte> buffer, ReceivedDescriptors descriptors, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            // Asynchronous waiting with an empty buffer, then recvmsg: .NET itself has no way to receive descriptors.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
            switch (DescriptorChannel.Receive(socket.SafeHandle, buffer.Span, descriptors, out var received))
            {
                case ReceiveOutcome.Data:
                    buffer = buffer[received..];
                    break;
                case ReceiveOutcome.NotYet:
                    break;
                case ReceiveOutcome.TooManyDescriptors:
                    throw new SessionRefusedException($"More than {SessionHeader.MaxSockets} sockets were sent, or this process may open no more files.");
                default:
                    throw new SessionRefusedException("The connection ended within the header.");
            }
        }
    }
}
