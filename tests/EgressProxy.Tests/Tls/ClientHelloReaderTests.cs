using System.Text;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.EgressProxy.Tls;

namespace Gatehouse.EgressProxy.Tests.Tls;

public sealed class ClientHelloReaderTests
{
    [Fact]
    public async Task RealClient_IsRead()
    {
        var bytes = await HelloBytes.RealAsync("api.allowed.test");

        Assert.True(ClientHelloReader.TryRead(bytes, out var hello, out var error));
        Assert.Equal(ClientHelloError.None, error);
        Assert.Equal("api.allowed.test", hello.ServerName.ToString());
        Assert.Equal(["h2", "http/1.1"], hello.Protocols.AsEnumerable());
        Assert.False(hello.HasEncryptedHello);
    }

    [Fact]
    public async Task RealClient_EveryPrefix_NeedsMore()
    {
        var bytes = await HelloBytes.RealAsync("api.allowed.test");
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(ClientHelloReader.TryRead(bytes.AsSpan(0, length), out _, out var error));
            Assert.Equal(ClientHelloError.None, error);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(60)]
    public void Fragmented_IsReadAsOne_AndEveryPrefixNeedsMore(int size)
    {
        var bytes = HelloBytes.Fragment(HelloBytes.Message((HelloBytes.ServerName, HelloBytes.NameList((0, "allowed.test"u8.ToArray())))), size);

        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(ClientHelloReader.TryRead(bytes.AsSpan(0, length), out _, out var early));
            Assert.Equal(ClientHelloError.None, early);
        }

        Assert.True(ClientHelloReader.TryRead(bytes, out var hello, out _));
        Assert.Equal("allowed.test", hello.ServerName.ToString());
    }

    [Fact]
    public async Task Mutated_NeverThrows_NorInventsAName()
    {
        var random = new Random(20261123);
        var original = await HelloBytes.RealAsync("api.allowed.test");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = (byte[])original.Clone();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (ClientHelloReader.TryRead(bytes.AsSpan(0, random.Next(bytes.Length + 1)), out var hello, out var error))
                Assert.Equal(ClientHelloError.None, error);
            else
                Assert.Null(hello.ServerName?.Address);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("\x80\x2e\x01\x03\x01")] // an SSLv2 hello
    [InlineData("\x16\x02")]
    [InlineData("\x16\x03\x05")]
    [InlineData("\x15\x03\x01\x00\x02\x02\x31")]
    [InlineData("\x16\x03\x01\x00\x04\x02\x00\x00\x00")] // a handshake message, but not this one
    public void OtherProtocol_IsNotTls(string bytes)
    {
        Assert.False(ClientHelloReader.TryRead(Encoding.Latin1.GetBytes(bytes), out _, out var error));
        Assert.Equal(ClientHelloError.NotTls, error);
    }

    public static TheoryData<string, byte[]> Malformed()
    {
        var name = HelloBytes.NameList((0, "allowed.test"u8.ToArray()));
        var message = HelloBytes.Message((HelloBytes.ServerName, name));
        return new()
        {
            { "empty record", HelloBytes.Record([]) },
            { "record above 2^14", [22, 3, 1, 0x40, 0x01] },
            { "another record type within the message", [.. HelloBytes.Record(message.AsSpan(0, 20)), .. HelloBytes.Record(message.AsSpan(20), 23)] },
            { "bytes after the message", HelloBytes.Record([.. message, 0]) },
            { "second message in the record", HelloBytes.Record([.. message, .. message]) },
            { "two server_name extensions", HelloBytes.Build((0, name), (0, name)) },
            { "two protocol extensions", HelloBytes.Build((16, [0, 3, 2, 0x68, 0x32]), (16, [0, 3, 2, 0x68, 0x32])) },
            { "empty protocol name", HelloBytes.Build((16, [0, 1, 0])) },
            { "no cipher suites", HelloBytes.Record([1, 0, 0, 40, 3, 3, .. new byte[32], 0, 0, 0, 1, 0, 0, 0]) },
            { "extension longer than its list", HelloBytes.Record([1, 0, 0, 46, 3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, 0, 4, 0, 0, 0, 9]) },
        };
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_IsRejected(string why, byte[] bytes)
    {
        Assert.False(ClientHelloReader.TryRead(bytes, out _, out var error), why);
        Assert.Equal(ClientHelloError.Malformed, error);
    }

    public static TheoryData<string, byte[]> BadNames() => new()
    {
        { "no entry", HelloBytes.NameList() },
        { "two entries", HelloBytes.NameList((0, "allowed.test"u8.ToArray()), (0, "evil.test"u8.ToArray())) },
        { "another type", HelloBytes.NameList((1, "allowed.test"u8.ToArray())) },
        { "empty", HelloBytes.NameList((0, [])) },
        { "NUL", HelloBytes.NameList((0, "allowed.test\0.evil.test"u8.ToArray())) },
        { "space", HelloBytes.NameList((0, "allowed.test "u8.ToArray())) },
        { "not ASCII", HelloBytes.NameList((0, "állowed.test"u8.ToArray())) },
        { "port", HelloBytes.NameList((0, "allowed.test:443"u8.ToArray())) },
        { "too long", HelloBytes.NameList((0, Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a23456789.", 26)) + "test"))) },
        { "trailing byte", [.. HelloBytes.NameList((0, "allowed.test"u8.ToArray())), 0] },
    };

    [Theory]
    [MemberData(nameof(BadNames))]
    public void ServerName_OtherThanOneHostName_IsRejected(string why, byte[] extension)
    {
        Assert.False(ClientHelloReader.TryRead(HelloBytes.Build((HelloBytes.ServerName, extension)), out _, out var error), why);
        Assert.Equal(ClientHelloError.InvalidServerName, error);
    }

    [Theory]
    [InlineData("ALLOWED.Test", "allowed.test")]
    [InlineData("allowed.test.", "allowed.test")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0x7f.1", "127.0.0.1")]
    public void ServerName_IsCanonical(string sent, string read)
    {
        Assert.True(ClientHelloReader.TryRead(HelloBytes.ForName(sent), out var hello, out _));
        Assert.Equal(read, hello.ServerName.ToString());
    }

    [Theory]
    [InlineData(0xfe0d)]
    [InlineData(0xffce)]
    [InlineData(0xfe0a)]
    public void EncryptedHello_IsSeen_RealOrDecoy(int type)
    {
        var bytes = HelloBytes.Build((0, HelloBytes.NameList((0, "allowed.test"u8.ToArray()))), ((ushort)type, [0, 0, 1, 0, 1, 42]));

        Assert.True(ClientHelloReader.TryRead(bytes, out var hello, out _));
        Assert.True(hello.HasEncryptedHello);
    }

    [Fact]
    public void NoExtensions_HasNoName()
    {
        Assert.True(ClientHelloReader.TryRead(HelloBytes.Record([1, 0, 0, 41, 3, 1, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0]), out var hello, out _));
        Assert.Null(hello.ServerName);
    }

    [Fact]
    public void EarlyData_AfterTheMessage_IsNoneOfItsBusiness()
    {
        Assert.True(ClientHelloReader.TryRead([.. HelloBytes.ForName("allowed.test"), .. HelloBytes.Record([1, 2, 3], 23)], out _, out _));
    }

    [Theory]
    [InlineData(ClientHelloReader.MaxLength)]
    [InlineData(ClientHelloReader.MaxLength + 1)]
    public void MessageAboveTheBound_IsTooLong(int claimed)
    {
        byte[] bytes = [22, 3, 1, 0x40, 0, 1, (byte)(claimed >> 16), (byte)(claimed >> 8), (byte)claimed];

        Assert.False(ClientHelloReader.TryRead(bytes, out _, out var error));
        Assert.Equal(ClientHelloError.TooLong, error);
    }

    [Fact]
    public void Crumbs_AreTooLong()
    {
        var padding = new byte[3000];
        var bytes = HelloBytes.Fragment(HelloBytes.Message((21, padding)), 1);

        Assert.False(ClientHelloReader.TryRead(bytes.AsSpan(0, ClientHelloReader.MaxLength), out _, out var error));
        Assert.Equal(ClientHelloError.TooLong, error);
    }
}
