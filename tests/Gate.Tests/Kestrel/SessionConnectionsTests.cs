using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Kestrel;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Tests.Kestrel;

/// <summary>A real Kestrel that takes some connections from sessions and others from a port.</summary>
public sealed class SessionConnectionsTests : IAsyncLifetime
{
    private static readonly IPEndPoint s_dialled = IPEndPoint.Parse("1.2.3.4:80");

    private readonly TestSession _session = TestSession.Create(Agent.DenyPolicy);
    private readonly TestCertificates _certificates = new();
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication _app = null!;

    public async Task InitializeAsync()
    {
        var leaf = _certificates.CreateLeaf("inside.test");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSessionConnections().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(new SessionEndPoint("http"));
            kestrel.Listen(new SessionEndPoint("https"), listen => listen.UseHttps(leaf).Protocols = HttpProtocols.Http1AndHttp2);
        });
        _app = builder.Build();
        _app.MapGet("/who", (HttpContext context) => context.Features.Get<ISessionFeature>() is { } session
            ? $"{session.Session.Id} {session.Dialled} {session.Purpose} {context.Connection.LocalIpAddress} {context.Request.Protocol}"
            : "nobody");
        _app.MapGet("/slow", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("begun\n");
            await _release.Task;
        });
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        _release.TrySetResult();
        _session.Dispose();
        await _app.DisposeAsync();
        _certificates.Dispose();
    }

    private SessionConnections Connections => _app.Services.GetRequiredService<SessionConnections>();

    [Fact]
    public async Task Request_OnASessionSocket_KnowsItsSession()
    {
        var (client, _) = await ConnectAsync("http");
        using var http = Client(client);
        Assert.Equal(
            $"{_session.Session.Id} 1.2.3.4:80 Transparent 1.2.3.4 HTTP/1.1", await http.GetStringAsync(new Uri("http://inside.test/who")));
    }

    [Fact]
    public async Task Request_OverTlsAndHttp2_KnowsItsSession()
    {
        var (client, _) = await ConnectAsync("https");
        using var http = Client(client);
        http.DefaultRequestVersion = HttpVersion.Version20;
        http.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        Assert.EndsWith("HTTP/2", await http.GetStringAsync(new Uri("https://inside.test/who")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_OnAnOrdinaryPort_HasNoSession()
    {
        using var http = new HttpClient();
        Assert.Equal("nobody", await http.GetStringAsync(new Uri(_app.Urls.First(url => url.Contains("127.0.0.1", StringComparison.Ordinal)) + "/who")));
    }

    [Fact]
    public async Task Session_Ended_AbortsItsConnections()
    {
        var (client, ended) = await ConnectAsync("http");
        await client.SendAsync("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", await client.ReadLineAsync(), StringComparison.Ordinal);
        _session.End();
        await Eventually.TrueAsync(client.IsClosedAsync);
        _release.SetResult();
        await ended.WaitAsync(Eventually.Bound);
    }

    [Fact]
    public async Task Session_EndedBefore_NeverServes()
    {
        _session.End();
        var (client, ended) = await ConnectAsync("http");
        Assert.True(await client.IsClosedAsync());
        await ended.WaitAsync(Eventually.Bound);
    }

    [Fact]
    public async Task Connection_HalfClosedByTheAgent_HoldsItsSlotUntilItIsDone()
    {
        var (client, ended) = await ConnectAsync("http");
        await client.SendAsync("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", await client.ReadLineAsync(), StringComparison.Ordinal);
        client.Shutdown(SocketShutdown.Send);
        await Task.WhenAny(ended, Task.Delay(200));
        Assert.False(ended.IsCompleted);
        _release.SetResult();
        await ended.WaitAsync(Eventually.Bound);
    }

    [Fact]
    public async Task Connection_ForAnUnboundEndpoint_StaysTheCallers()
    {
        var (server, client) = await PairAsync();
        Assert.Null(Connections.TryAdd("other", server, new SessionFeature(_session.Session, s_dialled, SocketPurpose.Transparent)));
        await server.SendAsync("mine\n"u8.ToArray());
        Assert.Equal("mine", await client.ReadLineAsync());
    }

    private async Task<(Socket Client, Task Ended)> ConnectAsync(string endPoint)
    {
        var (server, client) = await PairAsync();
        var ended = Connections.TryAdd(endPoint, server, new SessionFeature(_session.Session, s_dialled, SocketPurpose.Transparent));
        return (client, ended!);
    }

    private static async Task<(Socket Server, Socket Client)> PairAsync()
    {
        using var listener = TestSockets.Listen(SocketPurpose.Transparent);
        var client = await listener.DialAsync();
        return (await listener.Socket.AcceptAsync(), client);
    }

    private HttpClient Client(Socket socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new NetworkStream(socket, ownsSocket: true)),
        SslOptions =
        {
            CertificateChainPolicy = new()
            {
                TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { _certificates.Authority },
                RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
            },
        },
    });
}
