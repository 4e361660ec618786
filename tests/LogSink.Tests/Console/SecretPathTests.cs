using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Console;

/// <summary>What keeps others out of the console is in its address; telemetry goes to others.</summary>
public sealed class SecretPathTests
{
    [Fact]
    public async Task Telemetry_OfTheSink_HasNothingOfTheConsolesAddress()
    {
        await using var collector = await StandInCollector.StartAsync();
        var bodies = new ConcurrentBag<string>();
        collector.Instead = async (context, body) =>
        {
            bodies.Add($"{context.Request.Path} {Encoding.Latin1.GetString(body)}");
            await StandInCollector.AnswerAsync(context, [], "0");
            return true;
        };
        await using var sink = await RunningSink.StartAsync(null,
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={collector.Http}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "--Logging:LogLevel:Default=Debug", "--Logging:LogLevel:Microsoft.AspNetCore=Debug");
        using var links = await sink.Client.PostAsync("/console/links", null);
        var path = JsonDocument.Parse(await links.Content.ReadAsStringAsync()).RootElement.GetProperty("path").GetString()!;
        // In the same process, so that what it asks for would be told of too.
        using var browser = new HttpClient(new SocketsHttpHandler { UseCookies = false, ActivityHeadersPropagator = null }) { BaseAddress = sink.Url };
        using var signedIn = await browser.GetAsync(path);
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single();
        var console = cookie.Split("path=")[1].Split(';')[0];
        using var page = await browser.GetAsync(console + "/");
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, console + "/nothing");
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        using var seen = await browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, await sink.GetStatusAsync("/sessions"));
        await sink.StopAsync();

        // It is told of the rest.
        Assert.Contains(bodies, body => body.StartsWith("/v1/traces", StringComparison.Ordinal) && body.Contains("/sessions", StringComparison.Ordinal));
        Assert.Contains(bodies, body => body.StartsWith("/v1/logs", StringComparison.Ordinal) && body.Contains("A browser signed in", StringComparison.Ordinal));
        foreach (var body in bodies)
        {
            var at = body.IndexOf(console["/console/".Length..], StringComparison.Ordinal);
            Assert.True(at < 0, at < 0 ? "" : body[Math.Max(0, at - 300)..(at + 100)]);
        }

        Assert.DoesNotContain(bodies, body => body.Contains(path.Split("key=")[1], StringComparison.Ordinal));
    }
}
