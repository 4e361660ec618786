using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>The launcher's side: connects to <c>&lt;gate&gt;.sock</c>, hands a session's sockets over, waits for the answer.</summary>
public static class GateClient
{
    private const int MaxReply = 64 * 1024;

    /// <summary>Hands <paramref name="descriptors"/> over; the caller still owns, and must close, its copies.</summary>
    /// <param name="socketPath">The gate's unix socket.</param>
    /// <param name="header">What the descriptors are, in the same order.</param>
    /// <param name="descriptors">File descriptors.</param>
    /// <param name="owner">Uid that the gate must run as; null for this process's own.</param>
    /// <returns>The lease: the gate serves the session until it is closed, by whatever end of this process.</returns>
    /// <exception cref="GateUnavailableException">Nobody listens, the answer is an error, or none came in 10 s.</exception>
    public static async Task<Socket> OpenSessionAsync(
        string socketPath, SessionHeader header, IReadOnlyList<int> descriptors, CancellationToken cancellationToken, uint? owner = null)
    {
        var message = Frame(header, descriptors.Count);
        var gate = Path.GetFileNameWithoutExtension(socketPath);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(HandoverProtocol.Timeout);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), timeout.Token);
            // The header may carry secrets: they go to a gate of this user, or to nobody.
            if (SocketFacts.PeerUser(socket.SafeHandle) != (owner ?? Libc.geteuid()))
                throw new GateUnavailableException($"The {gate} gate at {socketPath} runs as another user. Stop it, or set GATEHOUSE_RUN.");
            var sent = DescriptorChannel.Send(socket.SafeHandle, message, [.. descriptors]);
            await HandoverProtocol.SendAllAsync(socket, message.AsMemory(sent), timeout.Token);
            var reply = await ReadReplyAsync(socket, timeout.Token);
            if (!reply.Ready)
                throw new GateUnavailableException($"The {gate} gate refused the session: {reply.Error}");
            return socket;
        }
        catch (Exception error)
        {
            socket.Dispose();
            throw error switch
            {
                OperationCanceledException when !cancellationToken.IsCancellationRequested => new GateUnavailableException(
                    $"The {gate} gate did not answer within {HandoverProtocol.Timeout.TotalSeconds:0} s. Look at its log, then: "
                    + "gatehouse down, gatehouse up", error),
                SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.AddressNotAvailable } or
                    SocketException { NativeErrorCode: 2 } =>
                    new GateUnavailableException($"The {gate} gate is not running ({socketPath}). Start the services: gatehouse up", error),
                SocketException or IOException or JsonException =>
                    new GateUnavailableException($"The {gate} gate at {socketPath} broke off: {error.Message}. Look at its log.", error),
                _ => error,
            };
        }
    }

    private static byte[] Frame(SessionHeader header, int descriptors)
    {
        if (descriptors > SessionHeader.MaxSockets || descriptors != header.Sockets.Length)
            throw new ArgumentException(
                $"{descriptors} descriptors for {header.Sockets.Length} descriptions; at most {SessionHeader.MaxSockets}.",
                nameof(descriptors));
        var json = JsonSerializer.SerializeToUtf8Bytes(header, HandoverJson.Default.SessionHeader);
        if (json.Length > SessionHeader.MaxBytes)
            throw new GateUnavailableException(
                $"The session's header is {json.Length} bytes long, at most {SessionHeader.MaxBytes} are taken. "
                + "Name fewer or smaller env: secrets.");
        var message = new byte[sizeof(uint) + json.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, json.Length);
        json.CopyTo(message, sizeof(uint));
        return message;
    }

    private static async Task<SessionReply> ReadReplyAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxReply];
        for (var length = 0; length < buffer.Length;)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellationToken);
            if (received == 0)
                throw new IOException("it closed the connection without an answer");
            length += received;
            if (buffer[length - 1] == (byte)'\n')
                return JsonSerializer.Deserialize(buffer.AsSpan(0, length), HandoverJson.Default.SessionReply)
                    ?? throw new IOException("its answer is null");
        }
        throw new IOException("its answer has no end");
    }
}

/// <summary>A gate is not there, or refused the session; the message says why and what to do.</summary>
public sealed class GateUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
