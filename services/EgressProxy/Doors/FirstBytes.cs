using System.Buffers;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Http;
using Gatehouse.EgressProxy.Tls;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>The first bytes of a connection, read into a buffer of our own until they can be judged.</summary>
internal sealed class FirstBytes : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(ClientHelloReader.MaxLength, RequestHeadReader.MaxLength));
    private int _length;

    /// <summary>What was read, and has to be forwarded.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Reads until the bytes are a whole ClientHello or surely none.</summary>
    /// <exception cref="OperationCanceledException">They did not come in time.</exception>
    public async Task<(Opening Opening, ClientHello Hello)> ReadClientHelloAsync(Socket socket, CancellationToken cancellationToken)
    {
        while (true)
        {
            var free = _buffer.AsMemory(_length, ClientHelloReader.MaxLength - _length);
            var count = await socket.ReceiveAsync(free, SocketFlags.None, cancellationToken);
            _length += count;
            if (ClientHelloReader.TryRead(Memory.Span, out var hello, out var error))
                return (Opening.Tls, hello);
            if (error == ClientHelloError.NotTls || _length == 0)
                return (Opening.Other, default);
            if (error != ClientHelloError.None || count == 0)
                return (Opening.InvalidTls, default);
        }
    }

    /// <summary>
    /// Reads a CONNECT head and not one byte more, so that what follows can be handed on with the socket; reads nothing when it is
    /// another method.
    /// </summary>
    /// <exception cref="OperationCanceledException">It did not come in time.</exception>
    public async Task<(ConnectHead Result, RequestHead Head)> ReadConnectAsync(Socket socket, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Peeked, judged, then taken. Once a byte was taken it is CONNECT or nothing: no other common method begins alike.
            var free = _buffer.AsMemory(_length, RequestHeadReader.MaxLength - _length);
            var count = await socket.ReceiveAsync(free, SocketFlags.Peek, cancellationToken);
            var seen = _buffer.AsMemory(0, _length + count);
            if (count == 0)
                return (_length == 0 ? ConnectHead.Nothing : ConnectHead.Invalid, default);
            if (!BeginsLikeConnect(seen.Span))
                return (_length == 0 ? ConnectHead.OtherMethod : ConnectHead.Invalid, default);

            var isWhole = RequestHeadReader.TryRead(seen.Span, out var head, out var length, out var error);
            if (!isWhole && error != RequestHeadError.None)
                return (ConnectHead.Invalid, default);

            var take = isWhole ? length - _length : count;
            _length += await socket.ReceiveAsync(_buffer.AsMemory(_length, take), SocketFlags.None, cancellationToken);
            if (isWhole)
                return (ConnectHead.Connect, head);
        }
    }

    public void Dispose()
    {
        if (_buffer.Length != 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = ([], 0);
    }

    private static bool BeginsLikeConnect(ReadOnlySpan<byte> bytes)
    {
        var method = "CONNECT "u8;
        return bytes.StartsWith(method[..Math.Min(bytes.Length, method.Length)]);
    }
}

/// <summary>What a connection to the explicit proxy begins with.</summary>
internal enum ConnectHead
{
    /// <summary>Closed without a byte.</summary>
    Nothing,

    /// <summary>A sound CONNECT head, which was taken off the socket.</summary>
    Connect,

    /// <summary>Another method; nothing was taken off the socket.</summary>
    OtherMethod,

    Invalid,
    TooSlow,
}
