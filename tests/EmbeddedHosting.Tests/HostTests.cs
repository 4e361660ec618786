using System.Diagnostics;
using Gatehouse.TestKit;

namespace Gatehouse.EmbeddedHosting.Tests;

/// <summary>The embedded host with the real services, as <c>gatehouse up</c> starts them.</summary>
public sealed class HostTests : IAsyncLifetime
{
    private Installation _gatehouse = null!;

    public Task InitializeAsync()
    {
        _gatehouse = Installation.Create(unprivileged: true);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _gatehouse.DisposeAsync();

    [Fact]
    public async Task Up_ThenDown_StartsAndStopsEveryService()
    {
        var up = await _gatehouse.RunAsync("/", ["up"]);
        Assert.True(up.ExitCode == 0, up.ToString());
        var ids = _gatehouse.ServiceIds();
        Assert.Equal(["dns-resolver", "egress-proxy", "log-sink", "secrets-gateway"], ids.Keys.Order(StringComparer.Ordinal));
        var status = await _gatehouse.RunAsync("/", ["status", "--json"]);
        Assert.Equal(4, status.Output.Split("\"state\":\"Running\"").Length - 1);
        var down = await _gatehouse.RunAsync("/", ["down"]);
        Assert.True(down.ExitCode == 0, down.ToString());
        Assert.All(ids.Values, id => Assert.False(Directory.Exists($"/proc/{id}"), $"process {id} is left"));
        Assert.Equal(69, (await _gatehouse.RunAsync("/", ["status"])).ExitCode);
    }

    [Fact]
    public async Task Service_KilledAgainAndAgain_IsStartedAgain()
    {
        await _gatehouse.RunAsync("/", ["up"]);
        for (var i = 0; i < 7; i++)
        {
            var before = _gatehouse.ServiceIds()["dns-resolver"];
            Process.Start("/bin/kill", ["-9", $"{before}"])!.WaitForExit();
            await Eventually.TrueAsync(() => _gatehouse.ServiceIds().TryGetValue("dns-resolver", out var now) && now != before);
        }

        await Eventually.TrueAsync(async () => (await _gatehouse.RunAsync("/", ["status", "--json"])).Output.Split("\"state\":\"Running\"").Length == 5);
    }

    [Fact]
    public async Task Up_TenAtOnce_StartsOneHost()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _gatehouse.RunAsync("/", ["up"])));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, result.ToString()));
        Assert.Single(results, result => result.Output.Contains("are up (", StringComparison.Ordinal));
    }
}
