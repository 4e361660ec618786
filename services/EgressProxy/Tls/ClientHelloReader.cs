using System.Buffers;

namespace Gatehouse.EgressProxy.Tls;

/// <summary>Reads a ClientHello, in one record or spread over many, out of a connection's first bytes. No IO.</summary>
internal static class ClientHelloReader
{
    /// <summary>
    /// The most first bytes that are looked at, record headers included. Hellos with post-quantum key shares have about 2 KiB;
    /// one that needs more than this, or cuts itself into crumbs, is nobody's honest client.
    /// </summary>
    public const int MaxLength = 16 * 1024;

    private const byte ClientHelloType = 1;
    private const int MessageHeaderLength = 4;

    /// <returns>True when the message is there and sound. False with <see cref="ClientHelloError.None"/>: more bytes are needed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> input, out ClientHello hello, out ClientHelloError error)
    {
        hello = default;
        if (TlsRecords.TryReadHandshake(input, out var payload, out var isWhole, out error))
        {
            // One record is what nearly every client sends: no copy then.
            if (isWhole && Holds(payload))
                return TryReadMessage(payload, out hello, out error);

            if (TryReassemble(input, out hello, out error) || error != ClientHelloError.None)
                return error == ClientHelloError.None;
        }

        if (error == ClientHelloError.None && input.Length >= MaxLength)
            error = ClientHelloError.TooLong;
        return false;
    }

    private static bool TryReassemble(ReadOnlySpan<byte> input, out ClientHello hello, out ClientHelloError error)
    {
        hello = default;
        var message = ArrayPool<byte>.Shared.Rent(input.Length);
        try
        {
            var filled = 0;
            while (TlsRecords.TryReadHandshake(input, out var payload, out var isWhole, out error))
            {
                payload.CopyTo(message.AsSpan(filled));
                filled += payload.Length;
                if (filled == 0)
                    return false;
                if (message[0] != ClientHelloType || MessageLength(message.AsSpan(0, filled)) > MaxLength)
                    error = message[0] != ClientHelloType ? ClientHelloError.NotTls : ClientHelloError.TooLong;
                if (error != ClientHelloError.None || !isWhole)
                    return false;

                if (Holds(message.AsSpan(0, filled)))
                    return TryReadMessage(message.AsSpan(0, filled), out hello, out error);

                input = input[(TlsRecords.HeaderLength + payload.Length)..];
            }

            // Another record type in the middle of a handshake message (§5.1) is not another protocol's first bytes.
            if (error == ClientHelloError.NotTls)
                error = ClientHelloError.Malformed;
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private static int MessageLength(ReadOnlySpan<byte> message) =>
        message.Length < MessageHeaderLength ? 0 : MessageHeaderLength + (message[1] << 16 | message[2] << 8 | message[3]);

    private static bool Holds(ReadOnlySpan<byte> message) =>
        message.Length >= MessageHeaderLength && message.Length >= MessageLength(message);

    private static bool TryReadMessage(ReadOnlySpan<byte> message, out ClientHello hello, out ClientHelloError error)
    {
        hello = default;
        error = ClientHelloError.None;
        if (message[0] != ClientHelloType)
            error = ClientHelloError.NotTls;
        else if (message.Length != MessageLength(message)) // §5.1: nothing may follow before the server has spoken
            error = ClientHelloError.Malformed;

        return error == ClientHelloError.None && ClientHelloBody.TryRead(message[MessageHeaderLength..], out hello, out error);
    }
}
