using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class DefaultEndpointTests
{
    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task Endpoint_ServiceRuns_AnswersOk(string path)
    {
        await using var service = await TestService.StartAsync();
        using var client = new HttpClient { BaseAddress = service.Url };

        Assert.Equal("Healthy", await client.GetStringAsync(path));
    }

    [Fact]
    public async Task Endpoints_NotReady_AreAliveButNotHealthy()
    {
        await using var service = await TestService.StartAsync(
            builder => builder.Services.AddHealthChecks().AddCheck("database", () => HealthCheckResult.Unhealthy()));
        using var client = new HttpClient { BaseAddress = service.Url };

        using var ready = await client.GetAsync("/health");
        using var alive = await client.GetAsync("/alive");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Health_AskedForJson_SaysWhichCheckAndWhy()
    {
        await using var service = await TestService.StartAsync(builder => builder.Services.AddHealthChecks().AddCheck(
            "forward", () => HealthCheckResult.Degraded("away", data: new Dictionary<string, object> { ["siem"] = 4L })));
        using var client = new HttpClient { BaseAddress = service.Url };
        client.DefaultRequestHeaders.Accept.ParseAdd("application/json");

        var answer = await client.GetStringAsync("/health");

        Assert.StartsWith("{\"status\":\"Degraded\",\"checks\":{", answer, StringComparison.Ordinal);
        Assert.Contains("\"forward\":{\"status\":\"Degraded\",\"description\":\"away\",\"data\":{\"siem\":4}}", answer, StringComparison.Ordinal);
    }
}
