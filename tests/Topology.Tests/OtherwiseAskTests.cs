using System.Net;
using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary><c>otherwise: ask</c>: names that no rule knows, looked up and reached only once a person has said yes.</summary>
public sealed class OtherwiseAskTests : IAsyncLifetime
{
    private readonly StandInDns _dns = new(IPAddress.Loopback);
    private readonly TestCertificates _certificates = new();
    private EnclosureSite _site = null!;
    private TestOrigin _origin = null!;
    private string _folder = "", _policy = "";

    private string PolicyFile => Path.Combine(_folder, "gatehouse.yaml");

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: false);
        _origin = await TestOrigin.StartAsync(_certificates.CreateLeaf("new.test"));
        _folder = _site.CreateWorkspace("otherwise");
        _site.Installation.Environment["DnsResolver__Upstreams__0"] = _dns.EndPoint.ToString();
        // Names may mean this machine only where a rule names it; so the stand-in is reached as if it were far away.
        _policy = (await File.ReadAllTextAsync(PolicyFile)).Replace("egress:\n  allow:\n",
            $"egress:\n  otherwise: ask # first\n  askTimeout: 20s\n  allow:\n    - {{ address: 127.0.0.1/32, ports: [{_origin.EndPoint.Port}] }}\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(PolicyFile, _policy);
        await RunAsync("up");
    }

    public async Task DisposeAsync()
    {
        await _site.DisposeAsync();
        await _origin.DisposeAsync();
        _dns.Dispose();
        _certificates.Dispose();
    }

    private Task<CommandResult> RunAsync(params string[] arguments) => _site.Installation.RunAsync(_folder, arguments);

    private string Curl(string more = "") => $"curl -sk {more} --max-time 40 -o /dev/null -w '%{{http_code}}\\n' https://new.test:{_origin.EndPoint.Port}/";

    private async Task<List<string>> PendingAsync() =>
        [.. (await RunAsync("pending", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()!)];

    private async Task<string> WaitingAsync()
    {
        List<string> pending = [];
        await Eventually.TrueAsync(async () => (pending = await PendingAsync()).Count == 1);
        return pending[0];
    }

    [Theory]
    [InlineData("")]
    [InlineData("--noproxy '*'")]
    public async Task Held_Approved_IsLookedUpThenAndGoesOn(string more)
    {
        var curl = _site.Installation.ScriptAsync(_folder, Curl(more));
        var id = await WaitingAsync();
        Assert.DoesNotContain("new.test", _dns.Asked);
        var approved = await RunAsync("approve", id);
        Assert.True(approved.ExitCode == 0, approved.ToString());
        Assert.Equal("200\n", (await curl).Output);
        Assert.Contains("new.test", _dns.Asked);
        Assert.Equal(_policy, await File.ReadAllTextAsync(PolicyFile));
    }

    /// <summary>"Always" is a line of the file: it holds for every session, and for none once it is taken out.</summary>
    [Fact]
    public async Task Held_ApprovedAlways_HoldsAsLongAsTheLineIsInTheFile()
    {
        using var session = _site.Installation.Start(_folder, ["run", "-q", "--", "bash", "-c", $"while read -r; do {Curl()}; done"]);
        session.StandardInput.AutoFlush = true;
        await session.StandardInput.WriteLineAsync();
        var approved = await RunAsync("approve", await WaitingAsync(), "--always");
        Assert.True(approved.ExitCode == 0, approved.ToString());
        Assert.Equal("200", await session.StandardOutput.ReadLineAsync());
        Assert.Contains("new.test", await File.ReadAllTextAsync(PolicyFile), StringComparison.Ordinal);
        await ReloadedAsync(1);

        var second = await _site.Installation.ScriptAsync(_folder, Curl());
        Assert.Equal("200\n", second.Output);
        Assert.Empty(await PendingAsync());

        await File.WriteAllTextAsync(PolicyFile, _policy);
        await ReloadedAsync(2);
        await session.StandardInput.WriteLineAsync();
        Assert.Equal(0, (await RunAsync("deny", await WaitingAsync())).ExitCode);
        Assert.Equal("000", await session.StandardOutput.ReadLineAsync());
        session.StandardInput.Close();
        await session.WaitForExitAsync();

        // By the egress gate of the session that runs.
        Task ReloadedAsync(int times) => Eventually.TrueAsync(async () =>
        {
            var running = (await RunAsync("sessions", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
                .First(each => !each.TryGetProperty("ended", out _)).GetProperty("session").GetString()!;
            var record = (await RunAsync("log", running, "--json", "--limit", "1000")).Output;
            return record.Split('\n').Count(line => line.Contains("policy.reloaded", StringComparison.Ordinal) && line.Contains("\"gate\":\"egress\"", StringComparison.Ordinal)) == times;
        });
    }
}
