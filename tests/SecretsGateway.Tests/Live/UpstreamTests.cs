using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>Upstreams as they are: with TLS, redirecting, talkative, slow, down.</summary>
[Collection(GatewayTests.Name)]
public sealed class UpstreamTests(GatewayFixture fixture)
{
    private const string Trust = "    trust: ca.pem";

    [Fact]
    public async Task Certificate_OfTheTrustedAuthority_IsAccepted()
    {
        using var authority = new TestCertificates();
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"), authority.CreateLeaf("localhost"));
        using var session = await OpenAsync(Policies.Yaml($"https://localhost:{origin.Port}", more: Trust), folder => folder.Write("ca.pem", authority.AuthorityPem));
        Assert.Equal((HttpStatusCode.OK, "pong"), await GetAsync(session));
        var seen = Assert.Single(origin.Requests);
        Assert.Equal(("HTTP/2", Policies.Key), (seen.Protocol, seen.Headers["x-api-key"]));
    }

    [Theory]
    [InlineData("other authority")]
    [InlineData("other name")]
    [InlineData("expired")]
    [InlineData("system roots only")]
    public async Task Certificate_ThatIsNotTrusted_GetsNoCredential(string how)
    {
        using var authority = new TestCertificates();
        using var other = new TestCertificates();
        var certificate = how switch
        {
            "other authority" => other.CreateLeaf("localhost"),
            "other name" => authority.CreateLeaf("other.test"),
            "expired" => Expired(authority, "localhost"),
            _ => authority.CreateLeaf("localhost"),
        };
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"), certificate);
        var policy = Policies.Yaml($"https://localhost:{origin.Port}", more: how == "system roots only" ? "" : Trust);
        using var session = await OpenAsync(policy, folder => folder.Write("ca.pem", authority.AuthorityPem));
        var (status, body) = await GetAsync(session);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("upstream-certificate", body, StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal("502", end.Detail!["status"]);
        Assert.Contains("Request:", end.Detail["problem"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Authority_ThatIsMissing_IsAnErrorUntilItIsThere()
    {
        using var authority = new TestCertificates();
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"), authority.CreateLeaf("localhost"));
        using var session = await OpenAsync(Policies.Yaml($"https://localhost:{origin.Port}", more: Trust));
        Assert.Equal(HttpStatusCode.BadGateway, (await GetAsync(session)).Status);
        session.Folder.Write("ca.pem", authority.AuthorityPem);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(session)).Status);
    }

    [Fact]
    public async Task Name_ThatLeadsToLoopback_GetsNoCredential()
    {
        // As a name under an attacker's control does (DNS rebinding): this machine's own name is one that is nobody's literal.
        using var authority = new TestCertificates();
        var name = Dns.GetHostName().ToLowerInvariant();
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"), IPAddress.Any, authority.CreateLeaf(name));
        using var session = await OpenAsync(Policies.Yaml($"https://{name}:{origin.Port}", more: Trust), folder => folder.Write("ca.pem", authority.AuthorityPem));
        var (status, body) = await GetAsync(session);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("upstream-address", body, StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task Upstream_ThatIsDown_IsABadGateway()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, not listening: refused
        using var session = await OpenAsync(Policies.Yaml($"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}"));
        var (status, body) = await GetAsync(session);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("upstream-unreachable", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upstream_ThatSaysNothing_IsATimeout()
    {
        await using var origin = await ApiOrigin.StartAsync(context => Task.Delay(TimeSpan.FromSeconds(20), context.RequestAborted));
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        var (status, body) = await GetAsync(session);
        Assert.Equal(HttpStatusCode.GatewayTimeout, status);
        Assert.Contains("upstream-timeout", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upstream_ThatBreaksOff_IsNotMistakenForTheEnd()
    {
        using var received = new SemaphoreSlim(0);
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            await context.Response.WriteAsync("begun");
            await received.WaitAsync(TimeSpan.FromSeconds(20));
            context.Abort();
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var connection = await session.ConnectAsync();
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await connection.ReadUntilAsync("begun"), StringComparison.Ordinal);
        received.Release();
        Assert.DoesNotContain("0\r\n\r\n", await connection.ReadToEndAsync(), StringComparison.Ordinal); // the last chunk
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.StartsWith("ResponseBodyDestination", end.Detail!["problem"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/other?x=1", "http://secrets.gatehouse/api/v1/other?x=1")]
    [InlineData("https://evil.test/v1", null)]
    [InlineData("//evil.test/v1", null)]
    public async Task Redirect_IsNotFollowedAndLeadsThroughTheGatewayOrNowhere(string location, string? wanted)
    {
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = location;
            return Task.CompletedTask;
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var client = session.CreateClient();
        using var response = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        Assert.Equal(HttpStatusCode.TemporaryRedirect, response.StatusCode);
        Assert.Equal(wanted, response.Headers.Location?.OriginalString);
        Assert.Single(origin.Requests);
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal(wanted is null ? "Location" : null, end.Detail!.GetValueOrDefault("removed"));
    }

    [Fact]
    public async Task Answer_WithTheCredentialInAHeader_LosesIt()
    {
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.Headers["X-Your-Key"] = "you sent " + context.Request.Headers["x-api-key"];
            context.Response.Headers["X-Fine"] = "fine";
            context.Response.Headers.SetCookie = $"session={context.Request.Headers["x-api-key"]}";
            context.Response.Headers.AltSvc = "h3=\":443\"";
            context.Response.Headers.StrictTransportSecurity = "max-age=1";
            return context.Response.WriteAsync("body");
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        var answer = await session.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\n\r\n");
        Assert.DoesNotContain(Policies.Key, answer, StringComparison.Ordinal);
        Assert.Contains("X-Fine: fine", answer, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?i)set-cookie|alt-svc|strict-transport|x-your-key|server:", answer);
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal(["Set-Cookie", "X-Your-Key"], end.Detail!["removed"].Split(' ').Order());
        Assert.Equal(["Set-Cookie", "X-Your-Key"], end.Detail["reflected"].Split(' ').Order());
    }

    /// <summary>Where it leads is no reason to take it out then, and the record must not say that it was.</summary>
    [Theory]
    [InlineData("/v1/other?key={0}", true)]
    [InlineData("/v1/other?key={1}", true)]
    [InlineData("https://evil.test/?key={0}", true)]
    [InlineData("https://evil.test/", false)]
    public async Task Redirect_WithTheCredentialInIt_IsRecordedAsReflected(string location, bool isReflected)
    {
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = string.Format(null, location, Policies.Key, Uri.EscapeDataString(Policies.Key));
            return Task.CompletedTask;
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        var answer = await session.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\n\r\n");
        Assert.DoesNotMatch("(?i)location", answer);
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal("Location", end.Detail!["removed"]);
        Assert.Equal(isReflected ? "Location" : null, end.Detail.GetValueOrDefault("reflected"));
    }

    private static X509Certificate2 Expired(TestCertificates authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        DateTimeOffset from = authority.Authority.NotBefore;
        using var certificate = request.Create(authority.Authority, from, from.AddMinutes(10), RandomNumberGenerator.GetBytes(12));
        return certificate.CopyWithPrivateKey(key);
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(AgentSession session)
    {
        using var client = session.CreateClient();
        using var response = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private Task<AgentSession> OpenAsync(string policy, Action<TempFolder>? prepare = null) =>
        AgentSession.OpenAsync(fixture.Gateway, policy, Policies.Environment(), prepare);
}
