using System.IO.Compression;
using System.Net;
using System.Text;
using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>Upstreams that show what they were sent, as services for debugging and error pages do: the agent must not see the credential in a body.</summary>
[Collection(GatewayTests.Name)]
public sealed class ReflectionTests(GatewayFixture fixture)
{
    private static readonly byte[] s_key = Encoding.ASCII.GetBytes(Policies.Key);

    public static TheoryData<string> Forms => new()
    {
        Policies.Key,
        "{\"headers\":{\"x-api-key\":\"" + Policies.Key + "\"}}",
        System.Text.Json.JsonSerializer.Serialize(new { Key = Policies.Key }),
        WebUtility.UrlEncode(Policies.Key),
        WebUtility.HtmlEncode(Policies.Key),
        Convert.ToBase64String(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nx-api-key: {Policies.Key}\r\n\r\n")),
        Convert.ToHexString(s_key),
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Answer_WithTheCredentialInItsBody_IsMaskedAndRecorded(string form)
    {
        var body = $"before {form} after";
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.ContentLength = body.Length;
            return context.Response.WriteAsync(body);
        });
        using var session = await OpenAsync(origin);
        var answer = await GetAsync(session);

        Assert.Equal(body.Length, answer.Length);
        Assert.StartsWith("before ", answer, StringComparison.Ordinal);
        Assert.EndsWith(" after", answer, StringComparison.Ordinal);
        Assert.NotEqual(body, answer);
        Assert.DoesNotContain(form, answer, StringComparison.Ordinal);
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.Equal("(body)", end.Detail!["reflected"]);
        Assert.Equal(body.Length, end.BytesReceived);
    }

    [Fact]
    public async Task Answer_WithoutIt_IsUnchangedAndNotSaidToShowIt()
    {
        var body = string.Join(' ', Enumerable.Range(0, 20_000).Select(i => $"sk-live-{i} %73k-live \\u0073k {Policies.Key[..^1]}"));
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync(body));
        using var session = await OpenAsync(origin);
        Assert.Equal(body, await GetAsync(session));
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        Assert.False(end.Detail!.ContainsKey("reflected"));
    }

    /// <summary>A piece of it now, the rest much later: what was held back comes with the end at the latest.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answer_InPieces_IsMaskedAcrossThem(bool isWhole)
    {
        var text = isWhole ? Policies.Key : Policies.Key[..^1];
        using var received = new SemaphoreSlim(0);
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            await context.Response.WriteAsync("begun " + text[..9]);
            await received.WaitAsync(TimeSpan.FromSeconds(20));
            foreach (var each in text[9..])
            {
                await context.Response.WriteAsync($"{each}");
                await context.Response.Body.FlushAsync();
            }
        });
        using var session = await OpenAsync(origin);
        using var client = session.CreateClient();
        using var response = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var begun = new byte[6];
        await stream.ReadExactlyAsync(begun);
        Assert.Equal("begun ", Encoding.ASCII.GetString(begun));
        received.Release();
        using var rest = new StreamReader(stream);
        Assert.Equal(isWhole ? new string('*', text.Length) : text, await rest.ReadToEndAsync());
    }

    /// <summary>Compression that can be undone is asked for, whatever the agent asks, and undone; what can not be undone is not passed on.</summary>
    [Theory]
    [InlineData("gzip", true)]
    [InlineData("deflate", true)]
    [InlineData("br", true)]
    [InlineData("identity", true)]
    [InlineData("compress", false)]
    [InlineData("gzip, gzip", false)]
    [InlineData("x-secret", false)]
    public async Task Answer_Encoded_IsSearchedOrRefused(string encoding, bool isPassed)
    {
        await using var origin = await ApiOrigin.StartAsync(async context =>
        {
            context.Response.Headers.ContentEncoding = encoding;
            await using Stream body = encoding.Split(',')[0] switch
            {
                "gzip" => new GZipStream(context.Response.Body, CompressionLevel.Fastest),
                "deflate" => new ZLibStream(context.Response.Body, CompressionLevel.Fastest),
                "br" => new BrotliStream(context.Response.Body, CompressionLevel.Fastest),
                _ => context.Response.Body,
            };
            await body.WriteAsync(Encoding.ASCII.GetBytes($"you sent {Policies.Key}"));
        });
        using var session = await OpenAsync(origin);
        using var client = session.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/x");
        request.Headers.Add("Accept-Encoding", "gzip, br, zstd, compress");
        request.Headers.Add("Range", "bytes=10-20");
        request.Headers.TryAddWithoutValidation("If-Range", "\"x\"");
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();

        var seen = Assert.Single(origin.Requests);
        Assert.Equal("gzip, deflate, br", seen.Headers["Accept-Encoding"]);
        Assert.False(response.Content.Headers.Contains("Content-Encoding") && encoding != "identity");
        Assert.DoesNotContain(seen.Headers.Keys, name => name.Contains("Range", StringComparison.OrdinalIgnoreCase));
        var end = await fixture.WaitAsync(session, each => each.Action == "request.end");
        if (isPassed)
        {
            Assert.Equal("you sent " + new string('*', Policies.Key.Length), text);
            Assert.Equal("(body)", end.Detail!["reflected"]);
            return;
        }

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("upstream-encoding", text, StringComparison.Ordinal);
        Assert.Contains("can not be found", end.Detail!["problem"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Header_WithTheCredentialInBase64_IsRemoved()
    {
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.Headers["X-Debug"] = Convert.ToBase64String([1, .. s_key, 2]);
            context.Response.Headers["X-Fine"] = "fine";
            return context.Response.WriteAsync("body");
        });
        using var session = await OpenAsync(origin);
        var answer = await session.SendRawAsync("GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\nConnection: close\r\n\r\n");
        Assert.Contains("X-Fine", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Debug", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credential_TooShortToBeSearchedFor_IsSaidInTheRecord()
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync("1234567 is a number"));
        using var session = await AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(origin.Url), Policies.Environment("1234567"));
        Assert.Equal("1234567 is a number", await GetAsync(session));
        var request = await fixture.WaitAsync(session, each => each.Action == "request");
        Assert.Equal(VerdictKind.Allowed, request.Verdict);
        Assert.Contains("shorter than 8 characters", request.Detail!["credential"], StringComparison.Ordinal);
    }

    private static async Task<string> GetAsync(AgentSession session)
    {
        using var client = session.CreateClient();
        return await client.GetStringAsync(new Uri("api/v1/x", UriKind.Relative));
    }

    private Task<AgentSession> OpenAsync(ApiOrigin origin) => AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(origin.Url), Policies.Environment());
}
