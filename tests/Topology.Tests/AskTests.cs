using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>A held request, with a person at a terminal.</summary>
public sealed class AskTests : IAsyncLifetime
{
    private EnclosureSite _site = null!;
    private string _folder = "";

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: false);
        _folder = _site.CreateWorkspace("asking");
        var path = Path.Combine(_folder, "gatehouse.yaml");
        var policy = await File.ReadAllTextAsync(path);
        await File.WriteAllTextAsync(path, policy.Replace("host: \"*.wild.test\",", "host: \"*.wild.test\", ask: true,", StringComparison.Ordinal)
            .Replace("egress:\n", "egress:\n  askTimeout: 20s # patience\n", StringComparison.Ordinal));
        await _site.Installation.RunAsync(_folder, ["up"]);
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    private Task<CommandResult> Curl(string more = "") =>
        _site.Installation.ScriptAsync(_folder, $"curl -sS {more} --max-time 40 -o /dev/null -w '%{{http_code}} %{{http_connect}}' https://deep.wild.test/; echo \" $?\"");

    private async Task<string> WaitingAsync()
    {
        for (var i = 0; i < 150; i++)
        {
            var pending = await _site.Installation.RunAsync(_folder, ["pending", "--json"]);
            if (pending.Output.Length > 2)
            {
                using var ask = JsonDocument.Parse(pending.Output.Split('\n')[0]);
                Assert.Equal("deep.wild.test:443", ask.RootElement.GetProperty("subject").GetString());
                return ask.RootElement.GetProperty("id").GetString()!;
            }

            await Task.Delay(100);
        }

        throw new InvalidOperationException("nothing waits");
    }

    [Theory]
    [InlineData("")]
    [InlineData("--noproxy '*'")]
    public async Task Held_Approved_GoesOn(string more)
    {
        var curl = Curl(more);
        var approved = await _site.Installation.RunAsync(_folder, ["approve", (await WaitingAsync())[^8..]]);
        Assert.True(approved.ExitCode == 0, approved.ToString());
        var result = await curl;
        Assert.True(result.Output.StartsWith("200 ", StringComparison.Ordinal) && result.Output.EndsWith(" 0\n", StringComparison.Ordinal), result.ToString());
    }

    [Fact]
    public async Task Held_Denied_IsRefused()
    {
        var curl = Curl();
        var denied = await _site.Installation.RunAsync(_folder, ["deny", await WaitingAsync()]);
        Assert.True(denied.ExitCode == 0, denied.ToString());
        var result = await curl;
        Assert.True(result.Output.StartsWith("000 403", StringComparison.Ordinal), result.ToString());
        await _site.ExpectRecordAsync("refused-by-person");
    }

    [Fact]
    public async Task Held_Unanswered_IsRefused()
    {
        var result = await Curl();
        Assert.True(result.Output.StartsWith("000 403", StringComparison.Ordinal), result.ToString());
        await _site.ExpectRecordAsync("ask.expired");
        // One hold, one denial: that nobody answered is no other.
        Assert.DoesNotContain("deep.wild.test:443 (2)", result.Error, StringComparison.Ordinal);
        using var session = JsonDocument.Parse((await _site.Installation.RunAsync(_folder, ["sessions", "--json", "-n", "1"])).Output.Split('\n')[0]);
        Assert.Equal(1, session.RootElement.GetProperty("denied").GetInt32());
    }

    /// <summary>The rule that asks pins its origin: a plain rule in the file would drop that.</summary>
    [Fact]
    public async Task Held_ApprovedAlwaysWhereARuleWouldWiden_StillWaits()
    {
        var curl = Curl();
        var id = await WaitingAsync();
        var refused = await _site.Installation.RunAsync(_folder, ["approve", id, "--always"]);
        Assert.Equal(64, refused.ExitCode);
        Assert.Contains("by hand", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await _site.Installation.RunAsync(_folder, ["approve", id, "--session"])).ExitCode);
        Assert.StartsWith("200 ", (await curl).Output, StringComparison.Ordinal);
    }
}
