using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>Requests as no ordinary client sends them, byte by byte.</summary>
[Collection(GatewayTests.Name)]
public sealed class SmugglingTests(GatewayFixture fixture)
{
    [Theory]
    [InlineData("GET http://secrets.gatehouse/api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 400)]
    [InlineData("GET http://evil.test/api/v1/x HTTP/1.1\r\nHost: evil.test", 421)]
    [InlineData("CONNECT secrets.gatehouse:80 HTTP/1.1\r\nHost: secrets.gatehouse", 400)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: secrets.gatehouse", 400)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: evil.test", 421)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nHost: secrets.gatehouse", 400)]
    [InlineData("GET /api/v1/x HTTP/1.1", 400)]
    [InlineData("GET /api/v1/x HTTP/1.0", 421)]
    [InlineData("GET /api/v1/%2e%2e/secret HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1/../secret HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1/./x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api//v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET //api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1%2fx HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1/x;y HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1\\x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /API/v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 404)]
    [InlineData("get /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("TRACE /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse", 403)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: x-api-key", 400)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: Upgrade\r\nUpgrade: websocket", 403)]
    [InlineData("POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nContent-Length: 5\r\nContent-Length: 6", 400)]
    [InlineData("POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nTransfer-Encoding: chunked, identity", 400)]
    [InlineData("POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nTransfer-Encoding: xchunked", 400)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nx-a : b", 400)]
    [InlineData("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n folded: b", 400)]
    [InlineData("not http at all", 400)]
    public async Task Request_ThatIsNotPlain_NeverLeavesAndIsRecorded(string head, int status)
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await OpenAsync(origin.Url);
        using var connection = await session.ConnectAsync();
        await connection.SendAsync(head + "\r\n\r\n");
        var answer = await connection.ReadUntilAsync("\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(Policies.Key, answer, StringComparison.Ordinal);
        var denied = await fixture.WaitAsync(session, each => each.Action == "request");
        Assert.Equal(VerdictKind.Denied, denied.Verdict);
        Assert.NotEmpty(denied.Reason!);
        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData("x-api-key: mine\r\nX-Api-Key: mine\r\nX-API-KEY: mine")]
    [InlineData("X_API_KEY: mine\r\nx_api-key: mine")]
    [InlineData("Authorization: Bearer mine\r\nApi-Key: mine\r\nCookie: a=mine")]
    [InlineData("Proxy-Authorization: mine\r\nProxy-Connection: mine\r\nProxy-Foo: mine")]
    [InlineData("TE: trailers\r\nTrailer: x-api-key\r\nKeep-Alive: mine")]
    [InlineData("X-Forwarded-Host: mine\r\nForwarded: for=mine\r\nX-Original-URL: /mine\r\nX-HTTP-Method-Override: MINE")]
    public async Task Header_InTheCredentialsPlace_NeverArrives(string headers)
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("done"));
        using var session = await OpenAsync(origin.Url);
        var answer = await session.SendRawAsync($"GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\n{headers}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        var seen = Assert.Single(origin.Requests);
        Assert.Equal(["Accept-Encoding", "Host", "x-api-key"], seen.Headers.Keys.Order(StringComparer.OrdinalIgnoreCase));
        Assert.Equal(Policies.Key, seen.Headers["x-api-key"]);
    }

    [Fact]
    public async Task Credential_NominatedBesideClose_ArrivesAllTheSame()
    {
        // Kestrel makes "close" of it before anybody sees it; nothing is left that could take the credential out.
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await OpenAsync(origin.Url);
        await session.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close, x-api-key\r\n\r\n");
        Assert.Equal(Policies.Key, Assert.Single(origin.Requests).Headers["x-api-key"]);
    }

    [Fact]
    public async Task Headers_LargerThanTheLimit_AreRefusedAndRecorded()
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await OpenAsync(origin.Url);
        using var connection = await session.ConnectAsync();
        var headers = string.Concat(Enumerable.Range(0, 9).Select(i => $"x-{i}: {new string('x', 4000)}\r\n"));
        await connection.SendAsync($"GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n{headers}\r\n");
        Assert.StartsWith("HTTP/1.1 431 ", await connection.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("malformed", (await fixture.WaitAsync(session, each => each.Action == "request")).Subject);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task Http2_WithoutAsking_IsHungUpOn()
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await OpenAsync(origin.Url);
        using var connection = await session.ConnectAsync();
        await connection.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        Assert.DoesNotContain("HTTP/1.1 200", await connection.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task Trailer_OfAChunkedRequest_IsNoHeader()
    {
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await context.Response.WriteAsync("got " + await reader.ReadToEndAsync());
        });
        using var session = await OpenAsync(origin.Url);
        var answer = await session.SendRawAsync(
            "POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: x-api-key\r\n\r\n"
            + "5\r\nhello\r\n0\r\nx-api-key: mine\r\n\r\n");
        Assert.Contains("got hello", answer, StringComparison.Ordinal);
        Assert.Equal(Policies.Key, Assert.Single(origin.Requests).Headers["x-api-key"]);
    }

    [Fact]
    public async Task Upgrade_ToH2c_IsIgnored()
    {
        // Java's client offers it on every first request, and goes on in HTTP/1.1 when it gets an ordinary answer.
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("done"));
        using var session = await OpenAsync(origin.Url);
        using var connection = await session.ConnectAsync();
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await connection.ReadUntilAsync("done"), StringComparison.Ordinal);
        Assert.DoesNotContain("Upgrade", Assert.Single(origin.Requests).Headers.Keys);
    }

    private Task<AgentSession> OpenAsync(string upstream) => AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(upstream), Policies.Environment());
}
