using System.Buffers.Binary;

namespace Gatehouse.EgressProxy.Tls;

/// <summary>The record layer (RFC 8446 §5.1) around the first handshake message.</summary>
internal static class TlsRecords
{
    public const int HeaderLength = 5;
    private const int MaxPayload = 1 << 14;
    private const byte Handshake = 22;

    /// <summary>A record with one fatal alert (RFC 8446 §6.2), in clear: before a ServerHello there are no keys.</summary>
    public static byte[] FatalAlert(byte description) => [21, 3, 3, 0, 2, 2, description];

    /// <summary>Whether bytes, however few, may still become a TLS handshake. False for none at all.</summary>
    public static bool CanBegin(ReadOnlySpan<byte> bytes) =>
        !bytes.IsEmpty && bytes[0] == Handshake && (bytes.Length < 2 || bytes[1] == 3) && (bytes.Length < 3 || bytes[2] <= 4);

    /// <summary>Takes one record apart, as far as it is there.</summary>
    /// <param name="input">Starts at the record.</param>
    /// <param name="payload">What of its payload is there.</param>
    /// <param name="isWhole">Whether all of it is there.</param>
    /// <returns>False when the header is not there yet, or wrong.</returns>
    public static bool TryReadHandshake(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload, out bool isWhole, out ClientHelloError error)
    {
        payload = default;
        isWhole = false;
        error = ClientHelloError.None;
        if (input.IsEmpty)
            return false;

        if (!CanBegin(input))
        {
            error = ClientHelloError.NotTls;
            return false;
        }

        if (input.Length < HeaderLength)
            return false;

        var length = BinaryPrimitives.ReadUInt16BigEndian(input[3..]);
        if (length is 0 or > MaxPayload) // §5.1: no zero-length fragments of handshake types
        {
            error = ClientHelloError.Malformed;
            return false;
        }

        isWhole = input.Length >= HeaderLength + length;
        payload = isWhole ? input.Slice(HeaderLength, length) : input[HeaderLength..];
        return true;
    }
}
