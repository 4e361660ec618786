using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>The record of a whole session: sealed by each gate, exported, and checked without the log sink.</summary>
public sealed class RecordTests : IAsyncLifetime
{
    private EnclosureSite _site = null!;

    public async Task InitializeAsync() => _site = await EnclosureSite.CreateAsync(unprivileged: true);

    public async Task DisposeAsync() => await _site.DisposeAsync();

    private Task<CommandResult> RunAsync(params string[] arguments) => _site.Installation.RunAsync(_site.Workspace, arguments);

    [Fact]
    public async Task Session_IsSealedExportedAndVerified()
    {
        var run = await _site.Installation.ScriptAsync(_site.Workspace, "curl -s --max-time 5 https://denied.test/; dig +short +tries=1 '=cmd.test'; curl -s --max-time 5 'https://x%1b[2J.test/'; true");
        Assert.True(run.ExitCode == 0, run.ToString());
        JsonElement session = default;
        string[] gates = ["dns", "egress", "secrets"];
        await Eventually.TrueAsync(async () =>
        {
            session = JsonDocument.Parse((await RunAsync("sessions", "--json", "-n", "1")).Output.Split('\n')[0]).RootElement;
            return gates.All(gate => session.GetProperty("gates").TryGetProperty(gate, out var counts) && counts.TryGetProperty("sealed", out _));
        });
        foreach (var gate in gates)
        {
            var counts = session.GetProperty("gates").GetProperty(gate);
            Assert.Equal(counts.GetProperty("records").GetInt64(), counts.GetProperty("sealed").GetInt64());
        }

        Assert.True(session.GetProperty("gates").GetProperty("dns").GetProperty("records").GetInt64() > 0);
        var verified = await RunAsync("log", "verify");
        Assert.True(verified.ExitCode == 0, verified.ToString());

        var id = session.GetProperty("session").GetString()!;
        var path = Path.Combine(_site.Workspace, "record.ndjson");
        var exported = await RunAsync("log", "export", id, "-o", path);
        Assert.True(exported.ExitCode == 0, exported.ToString());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        // Not over what is there.
        Assert.Equal(64, (await RunAsync("log", "export", id, "-o", path)).ExitCode);
        var csv = await RunAsync("log", "export", id, "--format", "csv");
        Assert.True(csv.ExitCode == 0, csv.ToString());
        Assert.Contains("denied.test", csv.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', csv.Output);
        var key = (await RunAsync("log", "key")).Output.Trim();

        // Elsewhere: no service runs.
        await RunAsync("down");
        var whole = await RunAsync("log", "verify", "--file", path, "--key", key);
        Assert.True(whole.ExitCode == 0, whole.ToString());
        Assert.Contains("none is missing or changed", whole.Output, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(path);
        await File.WriteAllLinesAsync(path, lines.Select(line => line.Replace("denied.test", "harmless.test", StringComparison.Ordinal)));
        var changed = await RunAsync("log", "verify", "--file", path, "--key", key);
        Assert.Equal(70, changed.ExitCode);
        Assert.Contains("changed: the hash of record", changed.Output, StringComparison.Ordinal);
        await File.WriteAllLinesAsync(path, lines.Where((_, i) => i != 2));
        var missing = await RunAsync("log", "verify", "--file", path, "--json");
        Assert.Equal(70, missing.ExitCode);
        Assert.StartsWith("missing: record", JsonDocument.Parse(missing.Output).RootElement.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(64, (await RunAsync("log", "verify", "--file", path, "--key", "nonsense")).ExitCode);
    }
}
