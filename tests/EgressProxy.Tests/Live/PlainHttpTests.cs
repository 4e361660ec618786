using System.Net;
using System.Net.WebSockets;
using System.Text;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.EgressProxy.Tests.Live;

/// <summary>Plain HTTP, through the explicit proxy and without it.</summary>
public sealed class PlainHttpTests : IAsyncLifetime
{
    private TestOrigin _origin = null!;
    private TestOrigin _second = null!;
    private EgressRig _rig = null!;
    private IPEndPoint _dialled = null!;
    private IPEndPoint _stranger = null!;

    public async Task InitializeAsync()
    {
        _origin = await TestOrigin.StartAsync(configure: app =>
        {
            app.UseWebSockets();
            app.Map("/socket", EchoSocketAsync);
        });
        _second = await TestOrigin.StartAsync();
        _rig = await EgressRig.StartAsync(("HeadTimeout", "00:00:01"));
        _dialled = _rig.Dialled("allowed.test", 80);
        _stranger = _rig.Dialled(null, 80);
        await _rig.OpenAsync($$"""
            { host: allowed.test, ports: [80, 443, 8080], connect: "{{_origin.EndPoint}}" }
            { host: second.test, ports: [80], connect: "{{_second.EndPoint}}" }
            { host: closed.test, ports: [80], connect: "127.0.0.1:1" }
            """, _dialled, _stranger);
    }

    [Fact]
    public async Task AbsoluteForm_IsForwarded_AsItWasSent_WithoutWhatIsForProxies()
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("POST http://allowed.test/a%2Fb/./c%41?q=%20&r HTTP/1.1\r\nHost: allowed.test\r\n"
            + "Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Mine: 2\r\n"
            + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nCookie: a=b\r\nContent-Length: 4\r\n\r\nbody");
        var answer = await connection.ReadUntilAsync("0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        var request = Assert.Single(_origin.Requests);
        Assert.Equal(("POST", "allowed.test", "body"), (request.Method, request.Host, request.Body));
        Assert.Equal(["Content-Length", "Cookie", "Host", "X-Mine", "traceparent"], request.Headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", request.Headers["traceparent"]);

        var allowed = await _rig.EventAsync("request", "POST http://allowed.test:80/a%2Fb/./c%41");
        Assert.Equal((VerdictKind.Allowed, "proxy-http"), (allowed.Verdict, allowed.Detail!["via"]));
        Assert.NotEqual("0af7651916cd43dd8448eb211c80319c", allowed.TraceId);
        var end = await _rig.Sink.WaitForAsync(each => each.Attempt == allowed.Id);
        Assert.Equal(("request.end", 4L), (end.Action, end.BytesSent));
        Assert.True(end.BytesReceived > 50);
    }

    [Fact]
    public async Task RawTarget_ReachesTheOriginByteForByte()
    {
        string? seen = null;
        using var origin = TcpOrigin.Start(async socket =>
        {
            var buffer = new byte[4096];
            seen = Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
            await socket.SendAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        });
        await _rig.OpenAsync($$"""{ host: raw.test, ports: [80], connect: "{{origin.EndPoint}}" }""");
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("GET http://RAW.test:80?x=../%2e%2E//\\ HTTP/1.1\r\nHost: raw.test\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 204", await connection.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.StartsWith("GET /?x=../%2e%2E//\\ HTTP/1.1\r\nHost: raw.test\r\n", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("Forwarded", seen, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task EachRequestOfAConnection_IsDecided()
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("GET http://allowed.test/one HTTP/1.1\r\nHost: allowed.test\r\n\r\n");
        await connection.ReadUntilAsync("0\r\n\r\n");
        await connection.SendAsync("GET http://evil.test/two HTTP/1.1\r\nHost: evil.test\r\n\r\n");
        Assert.Contains("name-not-allowed", await connection.ReadResponseAsync(), StringComparison.Ordinal);
        await connection.SendAsync("GET http://second.test/three HTTP/1.1\r\nHost: second.test\r\n\r\n");
        Assert.Contains("GET /three", await connection.ReadUntilAsync("0\r\n\r\n"), StringComparison.Ordinal);

        Assert.Equal("/one", Assert.Single(_origin.Requests).PathAndQuery);
        Assert.Equal("/three", Assert.Single(_second.Requests).PathAndQuery);
        Assert.Empty(_rig.Resolver.Resolved);
    }

    [Theory]
    [InlineData("http://evil.test/", "evil.test", 403, "name-not-allowed")]
    [InlineData("http://127.0.0.1/", "127.0.0.1", 403, "raw-address")]
    [InlineData("http://[::1]:80/", "[::1]:80", 403, "raw-address")]
    [InlineData("http://169.254.169.254/latest/meta-data/", "169.254.169.254", 403, "raw-address")]
    [InlineData("http://secrets.gatehouse/anthropic/v1", "secrets.gatehouse", 403, "own-name")]
    [InlineData("http://allowed.test:443/", "allowed.test:443", 403, "not-tls")]
    [InlineData("http://allowed.test:8081/", "allowed.test:8081", 403, "port-not-allowed")]
    [InlineData("https://allowed.test/", "allowed.test", 400, "not-for-proxy")]
    [InlineData("/", "allowed.test", 400, "not-for-proxy")]
    [InlineData("/health", "proxy.gatehouse", 400, "not-for-proxy")]
    public async Task Denied_IsToldWhy(string target, string host, int status, string word)
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync($"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        var answer = await connection.ReadResponseAsync();

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
        Assert.Contains($"urn:gatehouse:egress:{word}", answer, StringComparison.Ordinal);
        await _rig.Sink.WaitForAsync(each => each.Verdict == VerdictKind.Denied && each.Detail?.GetValueOrDefault("denial") == word);
    }

    [Theory]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n")]
    [InlineData("GET http://evil.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("GET http://allowed.test@evil.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("GET http://user:pass@allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nHost: evil.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test, evil.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test evil.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test:99999\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost : allowed.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n folded\r\n\r\n")]
    [InlineData("GET http://allowed.test/#f HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/\x01 HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("POST http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc")]
    [InlineData("POST http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")]
    [InlineData("GET http://0x7f000001/ HTTP/1.1\r\nHost: 0x7f000001\r\n\r\n")]
    [InlineData("GET ftp://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("CONNEKT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("GET http://allowed.test/\r\n\r\n")]
    public async Task AmbiguousRequest_IsRefused_Recorded_AndReachesNobody(string request)
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync(request);
        var answer = await connection.ReadToEndAsync();

        Assert.Matches("^HTTP/1.1 (400|405|501|505) ", answer);
        await _rig.Sink.WaitForAsync(each => each.Verdict == VerdictKind.Denied && each.Detail?.GetValueOrDefault("denial") == "invalid-request");
        Assert.Empty(_origin.Requests);
    }

    [Fact]
    public async Task Http2WithPriorKnowledge_ReachesNobody_AndIsRecorded()
    {
        using var connection = await _rig.ConnectAsync(_dialled);
        await connection.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        await connection.ReadToEndAsync();

        Assert.Equal(VerdictKind.Denied, (await _rig.EventAsync("connect", "allowed.test:80")).Verdict);
        Assert.Empty(_origin.Requests);
    }

    [Fact]
    public async Task BareLineFeeds_DoNotBecomeAnotherRequestDownstream()
    {
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("GET http://allowed.test/one HTTP/1.1\nHost: allowed.test\nX: y\n\n"
            + "GET http://evil.test/two HTTP/1.1\r\nHost: evil.test\r\n\r\n");
        var answer = await connection.ReadUntilAsync("name-not-allowed");

        // Read as one parser reads them or refused: what is forwarded is written anew either way.
        Assert.True(answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) || answer.Contains("name-not-allowed", StringComparison.Ordinal));
        Assert.DoesNotContain(_origin.Requests, each => each.PathAndQuery.Contains("two", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Dialled_HostThatAgrees_IsForwarded()
    {
        using var connection = await _rig.ConnectAsync(_dialled);
        await connection.SendAsync("GET /health HTTP/1.1\r\nHost: Allowed.test:80\r\n\r\n");
        var answer = await connection.ReadUntilAsync("0\r\n\r\n");

        // The origin's, not the gate's own.
        Assert.Contains("GET /health HTTP/1.1", answer, StringComparison.Ordinal);
        var allowed = await _rig.EventAsync("request", "GET http://allowed.test:80/health");
        Assert.Equal(("transparent-http", _dialled.ToString()), (allowed.Detail!["via"], allowed.Detail["dialled"]));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: second.test\r\n\r\n", 403, "names-disagree")]
    [InlineData("GET / HTTP/1.1\r\nHost: allowed.test:8080\r\n\r\n", 403, "names-disagree")]
    [InlineData("GET http://second.test/ HTTP/1.1\r\nHost: second.test\r\n\r\n", 403, "names-disagree")]
    [InlineData("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403, "names-disagree")]
    public async Task Dialled_HostThatDisagrees_IsDenied(string request, int status, string word)
    {
        using var connection = await _rig.ConnectAsync(_dialled);
        await connection.SendAsync(request);
        var answer = await connection.ReadResponseAsync();

        Assert.StartsWith($"HTTP/1.1 {status}", answer, StringComparison.Ordinal);
        Assert.Contains(word, answer, StringComparison.Ordinal);
        Assert.Empty(_second.Requests);
    }

    [Fact]
    public async Task DialledRawAddress_IsDenied_WhateverTheHost()
    {
        using var connection = await _rig.ConnectAsync(_stranger);
        await connection.SendAsync("GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n");

        Assert.Contains("raw-address", await connection.ReadResponseAsync(), StringComparison.Ordinal);
        Assert.Empty(_origin.Requests);
    }

    [Fact]
    public async Task DialledPort80_WithoutARequest_IsRecordedAllTheSame()
    {
        using (await _rig.ConnectAsync(_dialled))
        {
        }

        Assert.Equal("no-request", (await _rig.EventAsync("connect", "allowed.test:80")).Detail!["denial"]);
    }

    [Theory]
    [InlineData("SSH-2.0-x\r\n")]
    [InlineData("\x16\x03\x01\0\x05hello\n")]
    public async Task DialledPort80_WithSomethingElse_IsRefusedAndRecorded(string bytes)
    {
        using var connection = await _rig.ConnectAsync(_dialled);
        await connection.SendAsync(bytes);

        Assert.StartsWith("HTTP/1.1 400", await connection.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal("invalid-request", (await _rig.EventAsync("connect", "allowed.test:80")).Detail!["denial"]);
    }

    [Fact]
    public async Task SlowHead_EndsInBoundedTime_AndIsRecorded()
    {
        using var connection = await _rig.ConnectAsync(_dialled);
        await connection.SendAsync("GET / HT");

        Assert.StartsWith("HTTP/1.1 408", await connection.ReadToEndAsync(), StringComparison.Ordinal);
        await _rig.EventAsync("connect", "allowed.test:80");
    }

    [Fact]
    public async Task UnreachableOrigin_IsABadGateway()
    {
        using var client = Client();
        using var response = await client.GetAsync(new Uri("http://closed.test/"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("urn:gatehouse:egress:refused", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("refused", (await _rig.EventAsync("request.end", "GET http://closed.test:80/")).Detail!["outcome"]);
    }

    [Fact]
    public async Task Redirect_IsTheAgentsToFollow()
    {
        using var client = Client();
        using var response = await client.GetAsync(new Uri("http://allowed.test/redirect?to=http://second.test/"));

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Empty(_second.Requests);
    }

    [Fact]
    public async Task Stream_ArrivesAsItIsSent()
    {
        using var client = Client();
        await using var stream = await client.GetStreamAsync(new Uri("http://allowed.test/sse?count=1000&ms=100"));
        using var reader = new StreamReader(stream);

        Assert.Equal("id: 0", await reader.ReadLineAsync().WaitAsync(Eventually.Bound));
    }

    [Fact]
    public async Task BigUpload_IsNotHeldBack()
    {
        using var client = Client();
        using var content = new StreamContent(new MemoryStream(new byte[20 * 1024 * 1024]));
        using var response = await client.PostAsync(new Uri("http://allowed.test/upload"), content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(20 * 1024 * 1024, _origin.Requests.Single().Body.Length);
    }

    [Fact]
    public async Task WebSocket_Works_AndItsBytesAreCounted()
    {
        using var socket = new ClientWebSocket();
        socket.Options.Proxy = new WebProxy(_rig.Proxy.Address.ToString(), _rig.Proxy.Port);
        await socket.ConnectAsync(new Uri("ws://allowed.test/socket"), CancellationToken.None).WaitAsync(Eventually.Bound);
        await socket.SendAsync(new byte[1000], WebSocketMessageType.Binary, true, CancellationToken.None);
        var buffer = new byte[2000];
        var received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(Eventually.Bound);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Eventually.Bound);

        Assert.Equal(1000, received.Count);
        var end = await _rig.EventAsync("request.end", "GET http://allowed.test:80/socket");
        Assert.InRange(end.BytesSent, 1000, 1100);
        Assert.InRange(end.BytesReceived, 1000, 1100);
    }

    [Fact]
    public async Task SessionsShareNoConnections()
    {
        var connections = new List<string>();
        using var origin = TcpOrigin.Start(async socket =>
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer) > 0)
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        });
        for (var session = 0; session < 2; session++)
        {
            await _rig.OpenAsync($$"""{ host: pooled.test, ports: [80], connect: "{{origin.EndPoint}}" }""");
            using var client = Client();
            for (var request = 0; request < 3; request++)
                (await client.GetAsync(new Uri("http://pooled.test/"))).Dispose();
        }

        Assert.Equal(2, origin.Connections);
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _origin.DisposeAsync();
        await _second.DisposeAsync();
    }

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        Proxy = new WebProxy(_rig.Proxy.Address.ToString(), _rig.Proxy.Port),
        AllowAutoRedirect = false,
    })
    {
        Timeout = Eventually.Bound,
    };

    private static async Task EchoSocketAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }
}
