using Aspire.Hosting.Testing;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>The AppHost that users run, through the testing builder.</summary>
public sealed class AppHostTests
{
    [Fact]
    public async Task AppHost_WithoutAnAgent_BringsEveryServiceToHealth()
    {
        using var folder = new TempFolder();
        Environment.SetEnvironmentVariable("GATEHOUSE_RUN", folder.Path + "/r");
        Environment.SetEnvironmentVariable("GATEHOUSE_STATE", folder.Path + "/s");
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--Gatehouse:Agent=none"]);
        await using var app = await builder.BuildAsync();
        await app.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (var service in new[] { "log-sink", "dns-resolver", "egress-proxy", "secrets-gateway" })
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync(service, patience.Token);
            using var client = app.CreateHttpClient(service);
            using var response = await client.GetAsync(new Uri("/health", UriKind.Relative), patience.Token);
            Assert.True(response.IsSuccessStatusCode, service);
        }

        using var anonymous = app.CreateHttpClient("log-sink");
        using var refused = await anonymous.GetAsync(new Uri("/events", UriKind.Relative), patience.Token);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
        await app.StopAsync(patience.Token);
    }
}
