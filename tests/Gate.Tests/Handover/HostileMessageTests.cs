using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Native;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Handover;

/// <summary>Every descriptor of a refused message must be closed: the tests close their own copy, and then nobody listens.</summary>
public sealed class HostileMessageTests : IAsyncLifetime
{
    private TestGate _gate = null!;

    public async Task InitializeAsync() => _gate = await TestGate.StartAsync<EchoGate>();

    public async Task DisposeAsync()
    {
        // Whatever was sent, the gate still serves who asks properly.
        var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using (await _gate.OpenSessionAsync(Agent.DenyPolicy, socket))
        {
            using var agent = await socket.DialAsync();
            Assert.Equal("hello", await agent.ReadLineAsync());
        }
        await _gate.DisposeAsync();
    }

    [Fact]
    public async Task Message_CutAnywhere_IsDroppedWithItsSockets()
    {
        using var probe = TestSockets.Listen(SocketPurpose.Transparent);
        var message = Frame(JsonSerializer.SerializeToUtf8Bytes(Header(probe), HandoverJson.Default.SessionHeader));
        for (var length = 1; length < message.Length; length++)
        {
            using var socket = TestSockets.Listen(SocketPurpose.Transparent);
            using (var connection = await ConnectAsync())
            {
                DescriptorChannel.Send(connection.SafeHandle, message.AsSpan(0, length), [Descriptor(socket)]);
                connection.Shutdown(SocketShutdown.Send);
                Assert.StartsWith("""{"ready":false""", await connection.ReadLineAsync(), StringComparison.Ordinal);
            }
            socket.Dispose();
            await Eventually.TrueAsync(socket.IsRefusedAsync);
        }
    }

    [Fact]
    public async Task Message_ByteByByte_IsRead()
    {
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        var message = Frame(JsonSerializer.SerializeToUtf8Bytes(Header(socket), HandoverJson.Default.SessionHeader));
        using var connection = await ConnectAsync();
        DescriptorChannel.Send(connection.SafeHandle, message.AsSpan(0, 1), [Descriptor(socket)]);
        for (var i = 1; i < message.Length; i++)
            await connection.SendAsync(message.AsMemory(i, 1));
        Assert.Equal("""{"ready":true}""", await connection.ReadLineAsync());
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(SessionHeader.MaxBytes + 1u)]
    [InlineData(0x7fff_ffffu)]
    [InlineData(0x8000_0000u)]
    [InlineData(0xffff_ffffu)]
    public async Task Header_OfAHostileSize_IsRefusedAtOnce(uint size)
    {
        var message = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(message, size);
        await AssertRefusedAsync(message, "bytes long");
    }

    [Theory]
    [InlineData("null", "header is null")]
    [InlineData("[]", "not what this version reads")]
    [InlineData("{}", "not what this version reads")]
    [InlineData("{\"session\":\"a\"", "not what this version reads")]
    [InlineData("\u0000\u0001", "not what this version reads")]
    [InlineData("""{"version":1,"session":"a","policy":null,"policySha256":null,"sockets":[]}""", "path must be absolute")]
    [InlineData("""{"version":1,"session":null,"policy":"/","policySha256":"","sockets":[]}""", "session id must be")]
    [InlineData("""{"version":2,"session":"a","policy":"/","policySha256":"","sockets":[]}""", "speaks version 2")]
    [InlineData("""{"version":1,"session":"-a","policy":"/","policySha256":"","sockets":[]}""", "session id must be")]
    [InlineData("""{"version":1,"session":"../a","policy":"/","policySha256":"","sockets":[]}""", "session id must be")]
    public async Task Header_ThatIsNone_IsRefused(string json, string message) =>
        await AssertRefusedAsync(Frame(Encoding.UTF8.GetBytes(json)), message);

    [Fact]
    public async Task Header_WithSecrets_IsNeverQuoted()
    {
        var answer = await AssertRefusedAsync(Frame("""{"session":"a","environment":{"KEY":"hunter2","""u8.ToArray()), "not what this version reads");
        Assert.DoesNotContain("hunter2", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_NotAsMany_AreRefused()
    {
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        await AssertRefusedAsync(Header(socket) with { Sockets = [] }, "0 sockets are described, 1 came", socket);
        await AssertRefusedAsync(Header(socket) with { Sockets = [socket.Description, socket.Description] }, "2 sockets are described, 1 came", socket);
        await AssertRefusedAsync(Header(socket) with { Sockets = [null!] }, "sockets[0] is null", socket);
    }

    [Fact]
    public async Task Sockets_MoreThanOneMessageHolds_AreRefused()
    {
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using var connection = await ConnectAsync();
        var many = Enumerable.Repeat(Descriptor(socket), SessionHeader.MaxSockets).ToArray();
        DescriptorChannel.Send(connection.SafeHandle, [1, 0], many);
        DescriptorChannel.Send(connection.SafeHandle, [0, 0], [Descriptor(socket)]);
        Assert.Contains("More than 253 sockets", await connection.ReadLineAsync(), StringComparison.Ordinal);
        socket.Dispose();
        await Eventually.TrueAsync(socket.IsRefusedAsync);
    }

    [Fact]
    public async Task Sockets_OtherThanDescribed_AreRefused()
    {
        using var listening = TestSockets.Listen(SocketPurpose.Transparent);
        using var udp = TestSockets.Udp();
        using var v6 = TestSockets.Listen(SocketPurpose.Transparent, IPAddress.IPv6Loopback);
        using var idle = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        idle.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var idlePort = ((IPEndPoint)idle.LocalEndPoint!).Port;

        await AssertWrongAsync(listening, new(SocketPurpose.Transparent, listening.Description.Port + 1, false), "is not bound to port");
        await AssertWrongAsync(listening, new(SocketPurpose.Transparent, 0, false), "is not bound to port 0");
        await AssertWrongAsync(listening, new(SocketPurpose.DnsUdp, listening.Description.Port, false), "is not a UDP socket");
        await AssertWrongAsync(listening, new(SocketPurpose.Transparent, listening.Description.Port, true), "is not an IPv6 socket");
        await AssertWrongAsync(listening, new(SocketPurpose.Tap, 0, false), "is not a packet socket");
        await AssertWrongAsync(listening, new((SocketPurpose)99, listening.Description.Port, false), "has an unknown purpose");
        await AssertWrongAsync(udp, new(SocketPurpose.DnsTcp, udp.Description.Port, false), "is not a TCP socket");
        await AssertWrongAsync(v6, new(SocketPurpose.Transparent, v6.Description.Port, false), "is not an IPv4 socket");
        var described = new SocketDescription(SocketPurpose.Transparent, idlePort, false);
        await AssertWrongAsync(new(described, idle), described, "is not listening");
        await using var file = new FileStream("/dev/null", FileMode.Open);
        using var notASocket = new SafeSocketHandle(file.SafeFileHandle.DangerousGetHandle(), ownsHandle: false);
        await AssertWrongAsync(new(described, notASocket), described, "is not an IPv4 socket");
    }

    [Fact]
    public async Task Lease_WithMoreToSay_Ends()
    {
        var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using var lease = await _gate.OpenSessionAsync(Agent.DenyPolicy, socket);
        await lease.Lease.SendAsync("more"u8.ToArray());
        await Eventually.TrueAsync(socket.IsRefusedAsync);
    }

    private async Task AssertWrongAsync(SessionSocket socket, SocketDescription description, string message) =>
        await AssertRefusedAsync(Header(socket) with { Sockets = [description] }, message, socket);

    private async Task AssertRefusedAsync(SessionHeader header, string expected, SessionSocket socket)
    {
        using var connection = await ConnectAsync();
        var message = Frame(JsonSerializer.SerializeToUtf8Bytes(header, HandoverJson.Default.SessionHeader));
        DescriptorChannel.Send(connection.SafeHandle, message, [Descriptor(socket)]);
        var answer = await connection.ReadLineAsync();
        Assert.Contains(expected, answer, StringComparison.Ordinal);
        Assert.Contains("\"ready\":false", answer, StringComparison.Ordinal);
    }

    private async Task<string> AssertRefusedAsync(byte[] message, string expected)
    {
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using var connection = await ConnectAsync();
        DescriptorChannel.Send(connection.SafeHandle, message, [Descriptor(socket)]);
        var answer = await connection.ReadLineAsync();
        Assert.Contains(expected, answer, StringComparison.Ordinal);
        socket.Dispose();
        await Eventually.TrueAsync(socket.IsRefusedAsync);
        return answer;
    }

    private SessionHeader Header(SessionSocket socket)
    {
        var policy = Path.Combine(_gate.Folder, "policy.yaml");
        File.WriteAllText(policy, Agent.DenyPolicy);
        return TestGate.Header(SessionId.Create(TimeProvider.System), policy, socket);
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_gate.SocketPath));
        return socket;
    }

    private static int Descriptor(SessionSocket socket) => (int)socket.Handle.DangerousGetHandle();

    private static byte[] Frame(byte[] json)
    {
        var message = new byte[4 + json.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, json.Length);
        json.CopyTo(message, 4);
        return message;
    }
}
