using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Gate;
using Gatehouse.TestKit;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Tests.Live;

/// <summary>What holds for a session as a whole.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private readonly TcpOrigin _echo = TcpOrigin.Echo();
    private EgressRig _rig = null!;
    private IPEndPoint _dialled = null!;

    private string Allow => $$"""
        { host: echo.test, ports: [80, 2222], connect: "{{_echo.EndPoint}}" }
        """;

    public async Task InitializeAsync()
    {
        _rig = await EgressRig.StartAsync();
        _dialled = _rig.Dialled("echo.test", 2222);
        await _rig.OpenAsync(Allow, _dialled);
    }

    [Fact]
    public async Task End_ClosesTunnelsAndListeners()
    {
        using var transparent = await EchoAsync(await _rig.ConnectAsync(_dialled));
        using var tunnel = await _rig.ConnectToProxyAsync();
        await tunnel.SendAsync("CONNECT echo.test:2222 HTTP/1.1\r\nHost: echo.test:2222\r\n\r\n");
        await tunnel.ReadUntilAsync("\r\n\r\n");
        await EchoAsync(tunnel);
        using var idle = await _rig.ConnectToProxyAsync();
        using var http = await _rig.ConnectToProxyAsync();
        await http.SendAsync("GET http://echo");

        _rig.Lease.Dispose();

        foreach (var connection in new[] { transparent, tunnel, idle, http })
            Assert.Equal("", await connection.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(5)));
        await Eventually.TrueAsync(async () =>
        {
            using var late = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await late.ConnectAsync(_dialled);
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        }, what: "nobody listens any more");
        Assert.Equal("session-ended", (await _rig.EventAsync("connect.end", "echo.test:2222")).Detail!["outcome"]);
    }

    [Fact]
    public async Task ConnectionsAboveTheLimit_WaitForASlot()
    {
        var connections = new List<RawConnection>();
        for (var i = 0; i < SessionAcceptor.MaxConnections; i++)
            connections.Add(await EchoAsync(await _rig.ConnectAsync(_dialled)));
        var waiting = await _rig.ConnectAsync(_dialled);
        await waiting.SendAsync("later");
        var answer = waiting.ReadExactlyAsync(5);

        await Task.Delay(300);
        Assert.False(answer.IsCompleted);
        Assert.Equal(SessionAcceptor.MaxConnections, _echo.Connections);
        connections[0].Dispose();

        Assert.Equal("later", await answer);
    }

    [Fact]
    public async Task TwoSessions_HaveTheirOwnPolicies()
    {
        var first = _rig.Proxy;
        await _rig.OpenAsync("{ host: other.test }");
        using var connection = await _rig.ConnectToProxyAsync();
        await connection.SendAsync("CONNECT echo.test:2222 HTTP/1.0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 403", await connection.ReadToEndAsync(), StringComparison.Ordinal);
        using var allowed = await _rig.ConnectAsync(first);
        await allowed.SendAsync("CONNECT echo.test:2222 HTTP/1.0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", await allowed.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RecordUnavailable_DeniesWhateverThePolicySays()
    {
        var recorder = new MemoryRecorder(Policy.Events.Boundary.Egress) { IsUnavailable = true };
        await using var rig = await EgressRig.StartAsync(recorder);
        var dialled = rig.Dialled("echo.test", 2222);
        await rig.OpenAsync(Allow, dialled);
        using var tunnel = await rig.ConnectToProxyAsync();
        await tunnel.SendAsync("CONNECT echo.test:2222 HTTP/1.0\r\n\r\n");
        using var plain = await rig.ConnectToProxyAsync();
        await plain.SendAsync("GET http://echo.test/ HTTP/1.1\r\nHost: echo.test\r\n\r\n");
        using var transparent = await rig.ConnectAsync(dialled);

        foreach (var answer in new[] { await tunnel.ReadToEndAsync(), await plain.ReadResponseAsync() })
        {
            Assert.StartsWith("HTTP/1.1 503", answer, StringComparison.Ordinal);
            Assert.Contains("record-unavailable", answer, StringComparison.Ordinal);
        }

        Assert.True(await transparent.IsResetAsync());
        Assert.Equal(0, _echo.Connections);
    }

    [Fact]
    public async Task Decisions_OfEachDoor_AreTimed()
    {
        var recorder = new MemoryRecorder(Policy.Events.Boundary.Egress);
        await using var rig = await EgressRig.StartAsync(recorder);
        await rig.OpenAsync(Allow);
        foreach (var (request, isAllowed) in new[]
        {
            ("CONNECT echo.test:2222 HTTP/1.0\r\n\r\n", true),
            ("CONNECT other.test:2222 HTTP/1.0\r\n\r\n", false),
            ("GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n", false),
        })
        {
            using var connection = await rig.ConnectToProxyAsync();
            await connection.SendAsync(request);
            await connection.ReadUntilAsync("\r\n\r\n");

            Assert.True(recorder.Decisions.TryDequeue(out var decision), request);
            Assert.Equal(isAllowed, decision.IsAllowed);
            Assert.True(decision.Took > TimeSpan.Zero);
        }

        Assert.Empty(recorder.Decisions);
    }

    [Fact]
    public async Task PolicyReload_HoldsForTheNextRequestOfAnOpenConnection()
    {
        using var origin = TcpOrigin.Start(async socket =>
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer) > 0)
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        });
        await _rig.OpenAsync($$"""{ host: now.test, ports: [80], connect: "{{origin.EndPoint}}" }""");
        using var connection = await _rig.ConnectToProxyAsync();
        Assert.StartsWith("HTTP/1.1 200", await GetAsync(), StringComparison.Ordinal);
        var policy = await File.ReadAllTextAsync(_rig.Lease.PolicyPath);
        await File.WriteAllTextAsync(_rig.Lease.PolicyPath, policy.Replace("now.test", "then.test", StringComparison.Ordinal));

        await Eventually.TrueAsync(async () => (await GetAsync()).StartsWith("HTTP/1.1 403", StringComparison.Ordinal));

        async Task<string> GetAsync()
        {
            await connection.SendAsync("GET http://now.test/ HTTP/1.1\r\nHost: now.test\r\n\r\n");
            return await connection.ReadResponseAsync();
        }
    }

    [Fact]
    public async Task OwnEndpoints_AreNotTheAgents_NorTheOtherWayRound()
    {
        var own = _rig.Gate.App.Urls.First(url => url.StartsWith("http://127", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = new Uri(own) };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/anything");
        request.Headers.Host = "echo.test";

        Assert.Equal(HttpStatusCode.NotFound, (await client.SendAsync(request)).StatusCode);
    }

    [Theory]
    [InlineData("HeadTimeout", "00:00:00")]
    [InlineData("IdleTimeout", "-00:00:01")]
    [InlineData("DialTotalTimeout", "2.00:00:00")]
    [InlineData("PacketEventsPerSecond", "0")]
    [InlineData("Resolver", "ftp://dns-resolver")]
    public async Task UnusableOption_IsRefusedAtStart_WithItsName(string key, string value)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => EgressRig.StartAsync((key, value)));

        Assert.Contains($"Egress:{key}", error.Message, StringComparison.Ordinal);
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _echo.Dispose();
    }

    private static async Task<RawConnection> EchoAsync(RawConnection connection)
    {
        await connection.SendAsync("ping");
        Assert.Equal("ping", await connection.ReadExactlyAsync(4));
        return connection;
    }
}
