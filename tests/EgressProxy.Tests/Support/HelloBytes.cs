using System.Buffers.Binary;
using System.Net.Security;
using System.Text;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>ClientHellos: what a real client sends, and what none would.</summary>
internal static class HelloBytes
{
    public const ushort ServerName = 0, Protocols = 16, EncryptedHello = 0xfe0d;

    /// <summary>The first flight of .NET's own client, which is OpenSSL's.</summary>
    public static async Task<byte[]> RealAsync(string serverName)
    {
        using var flight = new FirstFlight();
        await using var tls = new SslStream(flight);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = serverName,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            });
        }
        catch (IOException)
        {
            // Nobody answers.
        }

        return flight.Written.ToArray();
    }

    /// <summary>One record with a hello that has these extensions, in this order.</summary>
    public static byte[] Build(params (ushort Type, byte[] Data)[] extensions) => Record(Message(extensions));

    public static byte[] ForName(string name) => Build((ServerName, NameList((0, Encoding.Latin1.GetBytes(name)))));

    public static byte[] NameList(params (byte Type, byte[] Name)[] names) =>
        Vector16([.. names.SelectMany(name => (byte[])[name.Type, .. Vector16(name.Name)])]);

    public static byte[] Message(params (ushort Type, byte[] Data)[] extensions)
    {
        byte[] body =
        [
            3, 3, .. Enumerable.Repeat((byte)7, 32), 0, .. Vector16([0x13, 0x01, 0xc0, 0x2f]), 1, 0,
            .. Vector16([.. extensions.SelectMany(each => (byte[])[(byte)(each.Type >> 8), (byte)each.Type, .. Vector16(each.Data)])]),
        ];
        return [1, (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length, .. body];
    }

    public static byte[] Record(ReadOnlySpan<byte> payload, byte type = 22) => [type, 3, 1, .. Vector16(payload.ToArray())];

    /// <summary>The same message in records of at most so many bytes.</summary>
    public static byte[] Fragment(byte[] message, int size) => [.. message.Chunk(size).SelectMany(chunk => Record(chunk))];

    public static byte[] Vector16(byte[] content)
    {
        var vector = new byte[2 + content.Length];
        BinaryPrimitives.WriteUInt16BigEndian(vector, (ushort)content.Length);
        content.CopyTo(vector, 2);
        return vector;
    }

    /// <summary>Keeps what is written, and answers with the end.</summary>
    private sealed class FirstFlight : MemoryStream
    {
        public MemoryStream Written { get; } = new();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            Written.WriteAsync(buffer, cancellationToken);

        public override void Write(ReadOnlySpan<byte> buffer) => Written.Write(buffer);

        public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);
    }
}
