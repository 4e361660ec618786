using System.Net;
using Gatehouse.ServiceDefaults.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class ServiceClientTests
{
    [Fact]
    public async Task Client_ServiceName_IsFoundThroughConfiguration()
    {
        await using var peer = await TestService.StartAsync(map: app => app.MapGet("/name", () => "it is me"));
        await using var service = await TestService.StartAsync(args: [$"--services:log-sink:http:0={peer.Url}"]);

        Assert.Equal("it is me", await Client(service).GetStringAsync("http://log-sink/name"));
    }

    [Theory]
    [InlineData("GET", false, 2)]
    [InlineData("HEAD", false, 2)]
    [InlineData("POST", false, 1)]
    [InlineData("PUT", false, 1)]
    [InlineData("DELETE", false, 1)]
    [InlineData("POST", true, 2)]
    public async Task Client_FirstTryFails_IsRepeatedOnlyWhenHarmless(string method, bool marked, int tries)
    {
        var seen = 0;
        await using var peer = await TestService.StartAsync(map: app => app.Map("/", () => Interlocked.Increment(ref seen) == 1 ? Results.StatusCode(503) : Results.Ok()));
        await using var service = await TestService.StartAsync();
        using var request = new HttpRequestMessage(new(method), peer.Url);
        if (marked)
            request.MarkRepeatable();

        using var response = await Client(service).SendAsync(request);

        Assert.Equal(tries, seen);
        Assert.Equal(tries == 2 ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task Client_AskedToRepeat_SendsThePostAgainWithItsContent()
    {
        var bodies = new List<string>();
        await using var peer = await TestService.StartAsync(map: app => app.MapPost("/", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            bodies.Add(await reader.ReadToEndAsync());
            return bodies.Count == 1 ? Results.StatusCode(500) : Results.Ok();
        }));
        await using var service = await TestService.StartAsync(builder => builder.Services.AddHttpClient("sink").RepeatUnsafeRequests());

        using var content = new StringContent("batch");
        using var response = await Client(service, "sink").PostAsync(peer.Url, content);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["batch", "batch"], bodies);
    }

    [Fact]
    public async Task Client_Redirect_IsNotFollowed()
    {
        await using var peer = await TestService.StartAsync(map: app => app.MapGet("/", () => Results.Redirect("http://example.invalid/")));
        await using var service = await TestService.StartAsync();

        using var response = await Client(service).GetAsync(peer.Url);

        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
    }

    private static HttpClient Client(TestService service, string name = "peer") =>
        service.Services.GetRequiredService<IHttpClientFactory>().CreateClient(name);
}
