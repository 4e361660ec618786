using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>What an agent can do.</summary>
[Collection(GatewayTests.Name)]
public sealed class CallTests(GatewayFixture fixture)
{
    private const string Placeholder = "placeholder-of-the-agent";

    [Fact]
    public async Task Call_ThatIsAllowed_CarriesTheRealKeyAndNothingOfTheAgents()
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"));
        using var session = await OpenAsync(Policies.Yaml(origin.Url + "/base", value: "Key {secret}"));
        using var client = session.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/v1/%6dessages/a%20b?beta=true&x=1") { Content = new StringContent("{}") };
        foreach (var name in new[]
        {
            "x-api-key", "X_Api_Key", "Authorization", "Cookie", "Proxy-Authorization", "X-Forwarded-For", "Forwarded", "X-HTTP-Method-Override", "Via", "traceparent",
        })
            request.Headers.TryAddWithoutValidation(name, Placeholder);
        request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
        request.Headers.ExpectContinue = true;
        using var response = await client.SendAsync(request);

        Assert.Equal("pong", await response.Content.ReadAsStringAsync());
        var seen = Assert.Single(origin.Requests);
        Assert.Equal("/base/v1/messages/a%20b?beta=true&x=1", seen.Target);
        Assert.Equal("Key " + Policies.Key, seen.Headers["x-api-key"]);
        Assert.Equal($"127.0.0.1:{origin.Port}", seen.Headers["Host"]);
        Assert.Equal("2023-06-01", seen.Headers["anthropic-version"]);
        Assert.DoesNotContain(seen.Headers, header => header.Value.Contains(Placeholder, StringComparison.Ordinal));
        Assert.Equal(
            ["Accept-Encoding", "anthropic-version", "Content-Length", "Content-Type", "Host", "x-api-key"],
            seen.Headers.Keys.Order(StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Call_ThatIsAllowed_IsRecordedBeforeAndAfter()
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("pong"));
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var client = session.CreateClient();
        await client.PostAsync(new Uri("api/v1/x?query=not-recorded", UriKind.Relative), new StringContent("12345"));
        var request = await fixture.WaitAsync(session, each => each.Action == "request");
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal(("POST api/v1/x", VerdictKind.Allowed), (request.Subject, request.Verdict));
        Assert.StartsWith("secrets[0].allow[0] ", request.Rule, StringComparison.Ordinal);
        Assert.Equal((request.Id, 5, 4, "200"), (end.Attempt!.Value, end.BytesSent, end.BytesReceived, end.Detail!["status"]));
        Assert.Equal($"127.0.0.1:{origin.Port}", end.Detail["upstream"]);
        Assert.DoesNotContain(fixture.Sink.Events, each => each.Subject.Contains("not-recorded", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("GET", "api/v1/x", "header-not-allowed", 403)]
    [InlineData("PATCH", "api/v1/x", "method-not-allowed", 403)]
    [InlineData("GET", "api/v2/x", "path-not-allowed", 403)]
    [InlineData("GET", "other/v1/x", "unknown-secret", 404)]
    public async Task Call_ThatIsDenied_NeverLeavesAndSaysWhatToAsk(string method, string target, string word, int status)
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await OpenAsync(Policies.Yaml(origin.Url, "{ method: GET, path: /v1/**, headers: { x-wanted: yes } }"));
        using var client = session.CreateClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        using var response = await client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal("urn:gatehouse:secrets:" + word, (string)problem["type"]!);
        Assert.Equal(status, (int)problem["status"]!);
        Assert.NotEmpty((string)problem["ask"]!);
        Assert.Empty(origin.Requests);
        var denied = await fixture.WaitAsync(session, each => each.Action == "request");
        Assert.Equal((VerdictKind.Denied, word, $"{method} {target}"), (denied.Verdict, denied.Detail!["denial"], denied.Subject));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_ThatComesInPieces_IsPassedOnPieceByPiece(bool isCompressed)
    {
        // The origin sends each event only when the agent has the one before: a buffer anywhere between would hold both for ever.
        using var received = new SemaphoreSlim(0);
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await using var body = isCompressed ? new GZipStream(context.Response.Body, CompressionLevel.Fastest) : context.Response.Body;
            if (isCompressed)
                context.Response.Headers.ContentEncoding = "gzip";
            for (var i = 0; i < 5; i++)
            {
                await body.WriteAsync(Encoding.ASCII.GetBytes($"data: {i}\n\n"));
                await body.FlushAsync();
                await received.WaitAsync(TimeSpan.FromSeconds(20));
            }
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var client = session.CreateClient();
        using var response = await client.GetAsync(new Uri("api/v1/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal($"data: {i}", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.Equal("", await reader.ReadLineAsync());
            received.Release();
        }

        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task Body_ThatIsLarge_PassesBothWaysUnchanged()
    {
        var data = RandomNumberGenerator.GetBytes(7 * 1024 * 1024);
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.Body.WriteAsync(body.ToArray());
            await context.Response.Body.WriteAsync(body.ToArray());
        });
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var client = session.CreateClient();
        using var response = await client.PutAsync(new Uri("api/v1/x", UriKind.Relative), new ByteArrayContent(data));
        var answer = await response.Content.ReadAsByteArrayAsync();
        Assert.True(answer.AsSpan(0, data.Length).SequenceEqual(data));
        Assert.True(answer.AsSpan(data.Length).SequenceEqual(data));
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal((data.Length, 2L * data.Length), (end.BytesSent, end.BytesReceived));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_LargerThanTheLimit_IsRefused(bool isAnnounced)
    {
        await using var origin = await ApiOrigin.StartAsync(async context => await context.Request.Body.CopyToAsync(Stream.Null));
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var connection = await session.ConnectAsync();
        var framing = isAnnounced ? "Content-Length: 8388609" : "Transfer-Encoding: chunked";
        await connection.SendAsync($"POST /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n{framing}\r\n\r\n");
        if (!isAnnounced)
        {
            try
            {
                for (var i = 0; i < 9; i++)
                    await connection.SendAsync("100000\r\n" + new string('x', 0x100000) + "\r\n");
            }
            catch (System.Net.Sockets.SocketException)
            {
                // It hung up: that is an answer too; the record has the rest.
            }

            var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
            Assert.Equal("413", end.Detail!["status"]);
            return;
        }

        Assert.StartsWith("HTTP/1.1 413 ", await connection.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task Requests_Pipelined_AreJudgedOneByOne()
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("target=" + context.Request.Path));
        using var session = await OpenAsync(Policies.Yaml(origin.Url, "{ method: [GET, POST], path: /v1/open/* }"));
        var answers = await session.SendRawAsync(
            "GET /api/v1/open/1 HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n"
            + "POST /api/v1/open/2 HTTP/1.1\r\nHost: secrets.gatehouse\r\nContent-Length: 47\r\n\r\nGET /api/v1/closed HTTP/1.1\r\nHost: smuggled\r\n\r\n"
            + "GET /api/v1/closed HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n"
            + "GET /api/v1/open/3 HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\n\r\n");
        Assert.Contains("target=/v1/open/1", answers, StringComparison.Ordinal);
        Assert.Contains("target=/v1/open/2", answers, StringComparison.Ordinal);
        Assert.Contains("target=/v1/open/3", answers, StringComparison.Ordinal);
        Assert.Single(Split(answers, "path-not-allowed"));
        Assert.Equal(["/v1/open/1", "/v1/open/2", "/v1/open/3"], origin.Requests.Select(seen => seen.Target));
    }

    [Fact]
    public async Task Requests_MoreThanMayBeAtATime_AreRefused()
    {
        using var gate = new SemaphoreSlim(0);
        await using var origin = await ApiOrigin.StartAsync(async _ => await gate.WaitAsync(TimeSpan.FromSeconds(20)));
        using var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var client = session.CreateClient();
        var waiting = Enumerable.Range(0, 4).Select(_ => client.GetAsync(new Uri("api/v1/x", UriKind.Relative))).ToList();
        await Eventually.TrueAsync(() => origin.Requests.Count == 4);
        using var refused = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        gate.Release(4);
        Assert.All(await Task.WhenAll(waiting), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        using var again = client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        gate.Release();
        Assert.Equal(HttpStatusCode.OK, (await again).StatusCode);
    }

    [Fact]
    public async Task Session_Ended_ClosesItsConnectionsAndListeners()
    {
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        var session = await OpenAsync(Policies.Yaml(origin.Url));
        using var connection = await session.ConnectAsync();
        await connection.SendAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n");
        await connection.ReadUntilAsync("begun");
        var started = Stopwatch.GetTimestamp();
        session.Dispose();
        await connection.ReadToEndAsync();
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5));
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var late = await session.ConnectAsync();
                return false;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return true;
            }
        });
    }

    [Fact]
    public async Task Health_OfTheService_IsOnItsOwnEndpointOnly()
    {
        using var outside = new HttpClient { BaseAddress = fixture.Gateway.Health };
        Assert.Equal(HttpStatusCode.OK, (await outside.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await outside.GetAsync(new Uri("/api/v1/x", UriKind.Relative))).StatusCode);
        using var session = await OpenAsync(Policies.Yaml("http://127.0.0.1:9"));
        using var inside = session.CreateClient();
        using var refused = await inside.GetAsync(new Uri("health", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Contains("unknown-secret", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Split(string text, string part) => text.Split(part).Skip(1);

    private Task<AgentSession> OpenAsync(string policy) => AgentSession.OpenAsync(fixture.Gateway, policy, Policies.Environment());
}
