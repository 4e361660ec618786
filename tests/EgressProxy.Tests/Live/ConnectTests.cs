using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.TestKit;

namespace Gatehouse.EgressProxy.Tests.Live;

/// <summary>CONNECT on the explicit proxy.</summary>
public sealed class ConnectTests : IAsyncLifetime
{
    private const string Established = "HTTP/1.1 200 Connection established\r\n\r\n";

    private readonly TestCertificates _certificates = new();
    private readonly TcpOrigin _echo = TcpOrigin.Echo();
    private readonly TcpOrigin _greeter = TcpOrigin.Start(async socket =>
    {
        await socket.SendAsync("220 ready\r\n"u8.ToArray());
        var buffer = new byte[1024];
        var count = await socket.ReceiveAsync(buffer);
        await socket.SendAsync(buffer.AsMemory(0, count));
    });

    private TestOrigin _tls = null!;
    private TestOrigin _plain = null!;
    private EgressRig _rig = null!;

    public async Task InitializeAsync()
    {
        _tls = await TestOrigin.StartAsync(_certificates.CreateLeaf("allowed.test"));
        _plain = await TestOrigin.StartAsync();
        _rig = await EgressRig.StartAsync(("HeadTimeout", "00:00:01"), ("DialTimeout", "00:00:01"), ("DialTotalTimeout", "00:00:02"));
        using var closed = TcpOrigin.Echo();
        await _rig.OpenAsync($$"""
            { host: allowed.test, ports: [443], connect: "{{_tls.EndPoint}}" }
            { host: plain.test, ports: [80, 8080], connect: "{{_plain.EndPoint}}" }
            { host: echo.test, ports: [22, 8443], connect: "{{_echo.EndPoint}}" }
            { host: greeter.test, ports: [25], connect: "{{_greeter.EndPoint}}" }
            { host: closed.test, connect: "{{closed.EndPoint}}" }
            { host: unresolved.test }
            { host: rebound.test }
            { address: 127.9.9.9/32, ports: [5432] }
            """);
    }

    [Fact]
    public async Task AllowedName_IsTunnelled_AndRecordedBeforeAndAfter()
    {
        using var connection = await ConnectAsync("allowed.test:443");
        await using var tls = await connection.SecureAsync("allowed.test", _certificates.Authority);
        await tls.WriteAsync("GET /hello HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(tls);
        Assert.Contains("GET /hello HTTP/1.1", await reader.ReadToEndAsync().WaitAsync(Eventually.Bound), StringComparison.Ordinal);
        connection.Dispose();

        var allowed = await _rig.EventAsync("connect", "allowed.test:443");
        Assert.Equal(VerdictKind.Allowed, allowed.Verdict);
        Assert.Equal("connect", allowed.Detail!["via"]);
        Assert.StartsWith("egress.allow[0]", allowed.Rule, StringComparison.Ordinal);
        var end = await _rig.EventAsync("connect.end", "allowed.test:443");
        Assert.Equal(allowed.Id, end.Attempt);
        Assert.True(end.BytesSent > 200 && end.BytesReceived > 500);
        Assert.Empty(_rig.Resolver.Resolved); // pinned
    }

    [Theory]
    [InlineData("evil.test:443", "name-not-allowed", "evil.test:443")]
    [InlineData("allowed.test:8443", "port-not-allowed", "allowed.test:8443")]
    [InlineData("sub.allowed.test:443", "name-not-allowed", "sub.allowed.test:443")]
    [InlineData("127.0.0.1:443", "raw-address", "127.0.0.1:443")]
    [InlineData("0x7f.1:443", "raw-address", "127.0.0.1:443")]
    [InlineData("2130706433:443", "raw-address", "127.0.0.1:443")]
    [InlineData("0177.0.0.1:443", "raw-address", "127.0.0.1:443")]
    [InlineData("[::1]:443", "raw-address", "[::1]:443")]
    [InlineData("[::ffff:127.0.0.1]:443", "raw-address", "127.0.0.1:443")]
    [InlineData("169.254.169.254:80", "raw-address", "169.254.169.254:80")]
    [InlineData("127.9.9.9:5433", "raw-address", "127.9.9.9:5433")]
    [InlineData("198.18.0.1:80", "raw-address", "198.18.0.1:80")]
    [InlineData("secrets.gatehouse:80", "own-name", "secrets.gatehouse:80")]
    public async Task Denied_IsToldWhy_AndNeverResolved(string target, string word, string subject)
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        var answer = await connection.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\n", answer, StringComparison.Ordinal);
        Assert.Contains($"urn:gatehouse:egress:{word}", answer, StringComparison.Ordinal);
        Assert.Contains($"\"host\":\"{subject}\"", answer, StringComparison.Ordinal);
        Assert.Contains("\"ask\":", answer, StringComparison.Ordinal);
        var denied = await _rig.EventAsync("connect", subject);
        Assert.Equal((VerdictKind.Denied, word), (denied.Verdict, denied.Detail!["denial"]));
        Assert.Empty(_rig.Resolver.Resolved);
    }

    [Theory]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\n folded\r\n\r\n")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\nHost: allowed.test\n\n")]
    [InlineData("CONNECT user@allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("CONNECT allowed.test HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("CONNECT\tallowed.test:443 HTTP/1.1\r\n\r\n")]
    [InlineData("CONNECT  allowed.test:443 HTTP/1.1\r\n\r\n")]
    public async Task AmbiguousHead_IsRefused(string head)
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync(head);

        Assert.StartsWith("HTTP/1.1 400", await connection.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadByteByByte_IsTaken_AndPipelinedBytesAreTheTunnels()
    {
        using var connection = await _rig.ConnectToProxyAsync();
        foreach (var letter in "CONNECT echo.test:22 HTTP/1.1\r\nHost: echo.test:22\r\n\r")
            await connection.SendAsync(letter.ToString());
        await connection.SendAsync("\nSSH-2.0-me\r\n");

        Assert.Equal(Established + "SSH-2.0-me\r\n", await connection.ReadUntilAsync("me\r\n"));
    }

    [Fact]
    public async Task SlowHead_IsRefusedInBoundedTime()
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("CONNECT allowed.test:443 HTTP/1.1\r\nHost: al");

        Assert.StartsWith("HTTP/1.1 408", await connection.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other.test", false, "names-disagree")]
    [InlineData("allowed.test", true, "encrypted-client-hello")]
    [InlineData(null, false, "no-server-name")]
    public async Task HelloThatIsNotForTheName_IsRefusedWithAnAlert(string? serverName, bool isEncrypted, string word)
    {
        using var connection = await ConnectAsync("allowed.test:443");
        var extensions = new List<(ushort, byte[])>();
        if (serverName is not null)
            extensions.Add((HelloBytes.ServerName, HelloBytes.NameList((0, Encoding.ASCII.GetBytes(serverName)))));
        if (isEncrypted)
            extensions.Add((HelloBytes.EncryptedHello, [0, 0, 1, 0, 1, 42]));
        await connection.SendAsync(HelloBytes.Build([.. extensions]));

        Assert.Equal("\x15\x03\x03\0\x02\x02\x31", await connection.ReadToEndAsync());
        await _rig.Sink.WaitForAsync(each => each.Detail?.GetValueOrDefault("denial") == word);
        var end = await _rig.EventAsync("connect.end", "allowed.test:443");
        Assert.Equal((0, word), (end.BytesSent, end.Detail!["outcome"]));
        Assert.Empty(_tls.Requests);
    }

    [Fact]
    public async Task RealClient_IsToldAccessDenied()
    {
        using var connection = await ConnectAsync("allowed.test:443");

        var error = await Assert.ThrowsAnyAsync<AuthenticationException>(() => connection.SecureAsync("other.test", _certificates.Authority));
        Assert.Contains("denied", error.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n", "not-tls")]
    [InlineData("SSH-2.0-tunnel\r\n", "not-tls")]
    public async Task OtherProtocolOn443_IsReset(string bytes, string word)
    {
        using var connection = await ConnectAsync("allowed.test:443");
        await connection.SendAsync(bytes);

        Assert.True(await connection.IsResetAsync());
        await _rig.Sink.WaitForAsync(each => each.Detail?.GetValueOrDefault("denial") == word);
    }

    [Fact]
    public async Task SilenceOn443_IsReset()
    {
        using var connection = await ConnectAsync("allowed.test:443");

        Assert.True(await connection.IsResetAsync());
        await _rig.Sink.WaitForAsync(each => each.Detail?.GetValueOrDefault("denial") == "too-slow");
    }

    [Fact]
    public async Task ServerThatSpeaksFirst_IsHeardAtOnce()
    {
        using var connection = await ConnectAsync("greeter.test:25", "220 ready\r\n");
        await connection.SendAsync("EHLO me\r\n");

        Assert.Equal("EHLO me\r\n", await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task HelloForAnotherName_OnAnyPort_IsRefused_HoweverLateItComes()
    {
        using var connection = await ConnectAsync("echo.test:8443");
        await Task.Delay(500);
        await connection.SendAsync(HelloBytes.ForName("other.test"));

        Assert.Equal("\x15\x03\x03\0\x02\x02\x31", await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task HelloForTheName_OnAnyPort_IsRelayed()
    {
        var hello = HelloBytes.ForName("echo.test");
        using var connection = await ConnectAsync("echo.test:8443");
        foreach (var each in hello.Chunk(7))
            await connection.SendAsync(each);

        Assert.Equal(Encoding.Latin1.GetString(hello), await connection.ReadExactlyAsync(hello.Length));
    }

    [Fact]
    public async Task ClientThatOnlyListens_IsHalfClosed_NotCutOff()
    {
        using var connection = await ConnectAsync("echo.test:22");
        connection.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("", await connection.ReadToEndAsync());
        Assert.Equal("completed", (await _rig.EventAsync("connect.end", "echo.test:22")).Detail!["outcome"]);
    }

    [Fact]
    public async Task BigTransfer_ThereAndBack_IsIntact()
    {
        using var connection = await ConnectAsync("echo.test:22");
        var bytes = new byte[16 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        bytes[0] = 0; // no ClientHello
        var sending = connection.SendAsync(bytes);
        await using var stream = new NetworkStream(connection.Socket);
        var returned = new byte[bytes.Length];
        await stream.ReadExactlyAsync(returned).AsTask().WaitAsync(Eventually.Bound);
        await sending;

        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(returned));
        connection.Socket.Shutdown(SocketShutdown.Send);
        var end = await _rig.EventAsync("connect.end", "echo.test:22");
        Assert.Equal((bytes.Length, bytes.Length), (end.BytesSent, end.BytesReceived));
    }

    [Fact]
    public async Task Port80_IsHttp_AndHeldToTheNameOfTheTunnel()
    {
        using var connection = await ConnectAsync("plain.test:80");
        await connection.SendAsync("GET /one HTTP/1.1\r\nHost: plain.test\r\n\r\n");
        Assert.Contains("GET /one HTTP/1.1", await connection.ReadUntilAsync("0\r\n\r\n"), StringComparison.Ordinal);
        await connection.SendAsync("GET /two HTTP/1.1\r\nHost: evil.test\r\n\r\n");

        Assert.Contains("names-disagree", await connection.ReadResponseAsync(), StringComparison.Ordinal);
        Assert.Equal("connect", (await _rig.EventAsync("request", "GET http://evil.test:80/two")).Detail!["via"]);
    }

    [Theory]
    [InlineData("closed.test:443", "HTTP/1.1 502", "refused")]
    [InlineData("unresolved.test:443", "HTTP/1.1 502", "not-resolved")]
    [InlineData("rebound.test:443", "HTTP/1.1 502", "special-purpose-address")]
    public async Task Unreachable_IsToldApartFromDenied(string target, string status, string word)
    {
        _rig.Resolver.Addresses["rebound.test"] = ["127.0.0.1", "::1", "169.254.169.254", "127.9.9.9"];
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        var answer = await connection.ReadToEndAsync();

        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.Contains("urn:gatehouse:egress:" + word, answer, StringComparison.Ordinal);
        Assert.Equal(VerdictKind.Allowed, (await _rig.EventAsync("connect", target)).Verdict);
        Assert.Equal(word, (await _rig.EventAsync("connect.end", target)).Detail!["outcome"]);
    }

    [Fact]
    public async Task NamedAddress_IsDialledAsItIs()
    {
        using var origin = TcpOrigin.Echo(new IPEndPoint(IPAddress.Parse("127.9.9.9"), 5432));
        using var connection = await ConnectAsync("127.9.9.9:5432");
        await connection.SendAsync("query");

        Assert.Equal("query", await connection.ReadExactlyAsync(5));
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _tls.DisposeAsync();
        await _plain.DisposeAsync();
        _echo.Dispose();
        _greeter.Dispose();
        _certificates.Dispose();
    }

    private async Task<RawConnection> ConnectAsync(string target, string andThen = "")
    {
        var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        Assert.Equal(Established + andThen, await connection.ReadExactlyAsync(Established.Length + andThen.Length));
        return connection;
    }
}
