using System.Diagnostics;
using Gatehouse.TestKit;

namespace Gatehouse.Attacks.Tests;

/// <summary>SIGKILL at any part, at any moment: nothing gets through, nothing is left behind, and the next session works.</summary>
public sealed class KillTests : IAsyncLifetime
{
    private EnclosureSite _site = null!;

    public async Task InitializeAsync() => _site = await EnclosureSite.CreateAsync(unprivileged: true);

    public async Task DisposeAsync() => await _site.DisposeAsync();

    [Theory]
    [InlineData("egress-proxy", "curl -fsS --max-time 5 https://allowed.test/after")]
    [InlineData("dns-resolver", "curl -sS --noproxy '*' --max-time 5 https://allowed.test/after")]
    [InlineData("secrets-gateway", "curl -fsS --max-time 5 $API_URL/v1/whoami")]
    [InlineData("log-sink", "sleep 3; curl -fsS --max-time 5 https://allowed.test/after")]
    public async Task Service_Killed_LetsNothingThroughAndComesBack(string service, string attempt)
    {
        await _site.Installation.RunAsync(_site.Workspace, ["up"]);
        var restarts = service == "log-sink";
        using var session = _site.Installation.Start(_site.Workspace, ["run", "-q", "--", "bash", "-c", $"echo ready; read; {attempt} && echo THROUGH; echo over"]);
        Assert.Equal("ready", await session.StandardOutput.ReadLineAsync());
        var before = _site.Web.Requests.Count + _site.Api.Requests.Count;
        var id = _site.Installation.ServiceIds()[service];
        if (restarts)
            Signal(HostId(), "STOP"); // keeps the host from bringing the sink back while the attempt is made
        Signal(id, "KILL");
        await session.StandardInput.WriteLineAsync("go");
        var output = await session.StandardOutput.ReadToEndAsync();
        if (restarts)
            Signal(HostId(), "CONT");
        Assert.DoesNotContain("THROUGH", output.Replace("urn:gatehouse", "", StringComparison.Ordinal).Contains("record-unavailable", StringComparison.Ordinal) ? "" : output, StringComparison.Ordinal);
        Assert.Equal(before, _site.Web.Requests.Count + _site.Api.Requests.Count);

        await Eventually(async () => (await _site.Installation.RunAsync(_site.Workspace, ["status"])).ExitCode == 0);
        await Eventually(async () => (await _site.Installation.ScriptAsync(_site.Workspace, "curl -fsS --max-time 5 https://allowed.test/again | head -1")).Output.Contains("/again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Launcher_Killed_AgentIsDeadAndNothingIsLeft()
    {
        using var session = _site.Installation.Start(_site.Workspace, ["run", "-q", "--", "bash", "-c", "echo ready; exec sleep 47113"]);
        Assert.Equal("ready", await session.StandardOutput.ReadLineAsync());
        // setpriv becomes the launcher: same process.
        Signal(session.Id, "KILL");
        await session.WaitForExitAsync();
        await Eventually(() => Task.FromResult(!AttackTests.Processes().Any(line => line.Contains("sleep 47113", StringComparison.Ordinal))));
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(_site.Installation.StateDirectory, StringComparison.Ordinal));
        var after = await _site.Installation.ScriptAsync(_site.Workspace, "echo works");
        Assert.Equal("works\n", after.Output);
        var record = await _site.Installation.RunAsync(_site.Workspace, ["log", "--json", "--gate", "sandbox"]);
        Assert.Contains("launcher died", record.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_Killed_ServicesGoToo()
    {
        await _site.Installation.RunAsync(_site.Workspace, ["up"]);
        var services = _site.Installation.ServiceIds();
        Signal(HostId(), "KILL");
        await Eventually(() => Task.FromResult(services.Values.All(id => !Directory.Exists($"/proc/{id}"))));
        var after = await _site.Installation.ScriptAsync(_site.Workspace, "curl -fsS --max-time 5 https://allowed.test/again | head -1");
        Assert.Contains("/again", after.Output, StringComparison.Ordinal);
    }

    private int HostId()
    {
        using var host = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(_site.Installation.RunDirectory, "host.json")));
        return host.RootElement.GetProperty("pid").GetInt32();
    }

    private static void Signal(int process, string signal) => Process.Start("/bin/kill", [$"-{signal}", $"{process}"])!.WaitForExit();

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (!await condition())
            await Task.Delay(50, patience.Token);
    }
}
