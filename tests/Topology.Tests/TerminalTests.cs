using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>What a person at a terminal is told: of what comes, of what is gone, and of what can not be.</summary>
public sealed class TerminalTests : IAsyncLifetime
{
    private const string CtrlC = "\u0003", CtrlZ = "\u001a", TakesScreen = "\u001b[?1049h", GivesScreen = "\u001b[?25h\u001b[?1049l";

    private EnclosureSite _site = null!;

    private Installation Gatehouse => _site.Installation;

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: true);
        await Gatehouse.RunAsync(_site.Workspace, ["up"]);
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    private Task<CommandResult> RunAsync(params string[] arguments) => Gatehouse.RunAsync(_site.Workspace, arguments);

    private async Task<JsonElement> NewestAsync() => JsonDocument.Parse((await RunAsync("sessions", "--json", "-n", "1")).Output.Split('\n')[0]).RootElement;

    [Fact]
    public async Task Log_Followed_ShowsWhatComes_UntilCtrlC()
    {
        using var log = Watched.Start(Gatehouse, _site.Workspace, "log", "--follow", "--verdict", "denied");
        await Task.Delay(300);
        await Gatehouse.ScriptAsync(_site.Workspace, "curl -s --max-time 5 https://live.test/; true");
        await log.ExpectAsync("live.test:443");
        await log.TypeAsync(CtrlC);
        Assert.Equal(130, await log.EndAsync());
    }

    [Fact]
    public async Task Top_OnATerminal_ShowsSessions_AndGivesTheScreenBack()
    {
        using var agent = Gatehouse.Start(_site.Workspace, ["run", "-q", "--", "bash", "-c", "curl -s --max-time 5 https://live.test/; echo ready; read"]);
        Assert.Equal("ready", await agent.StandardOutput.ReadLineAsync());
        using var top = Watched.StartAsJob(Gatehouse, _site.Workspace, "top");
        await top.ExpectAsync(TakesScreen);
        await top.ExpectAsync("bash -c curl");
        // Stopped, the shell has its screen; continued, the view is drawn again.
        await top.TypeAsync(CtrlZ);
        await top.ExpectAsync("stopped");
        Assert.Equal(1, Count(GivesScreen));
        var before = top.Length;
        await top.TypeAsync("\n");
        await top.ExpectAsync(TakesScreen, before);
        await top.ExpectAsync("bash -c curl", before);
        await top.TypeAsync(CtrlC);
        await top.EndAsync();
        Assert.Equal((2, 2), (Count(TakesScreen), Count(GivesScreen)));
        Assert.DoesNotContain(TakesScreen, top.Output[top.Output.LastIndexOf(GivesScreen, StringComparison.Ordinal)..], StringComparison.Ordinal);
        agent.Kill();

        int Count(string text) => top.Output.Split(text).Length - 1;
    }

    /// <summary>Nothing there would continue it: stopping is ignored by the kernel, and the view must not stay away.</summary>
    [Fact]
    public async Task Top_WithoutAShell_IsThereAgainAfterCtrlZ_AndEndsWithCtrlC()
    {
        using var top = Watched.Start(Gatehouse, _site.Workspace, "top");
        await top.ExpectAsync("No session is running.");
        await top.TypeAsync(CtrlZ);
        await top.ExpectAsync(GivesScreen);
        await top.ExpectAsync(TakesScreen, top.Output.IndexOf(GivesScreen, StringComparison.Ordinal));
        await top.TypeAsync(CtrlC);
        Assert.Equal(0, await top.EndAsync());
        Assert.EndsWith(GivesScreen, top.Output.TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log -f", false)]
    [InlineData("log -f", true)]
    [InlineData("pending -f", false)]
    [InlineData("pending -f", true)]
    // Not killed: the sink is started again at once, and top, which asks anew each second, goes on.
    [InlineData("top", false)]
    public async Task Followed_SinkIsGone_IsSaid(string command, bool isKilled)
    {
        using var followed = Watched.Start(Gatehouse, _site.Workspace, command.Split(' '));
        if (command == "top")
            await followed.ExpectAsync("No session is running.");
        else
            await Task.Delay(500);
        if (isKilled)
            System.Diagnostics.Process.GetProcessById(Gatehouse.ServiceIds()["log-sink"]).Kill();
        else
            await RunAsync("down");
        Assert.True(await followed.EndAsync() == 69, followed.Output);
        Assert.Single(followed.Output.Split('\n'), line => line.StartsWith("gatehouse: the log sink", StringComparison.Ordinal) || line.Contains(GivesScreen + "gatehouse: the log sink", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Session_ThatIsNotThere_IsAMistake()
    {
        await Gatehouse.ScriptAsync(_site.Workspace, "true");
        await Gatehouse.ScriptAsync(_site.Workspace, "true");
        foreach (var command in new string[][] { ["log"], ["log", "--follow"], ["log", "export"], ["policy", "learn"] })
        {
            var unknown = await RunAsync([.. command, "typo"]);
            Assert.True(unknown is { ExitCode: 64, Output: "" } && unknown.Error.Contains("there is no session 'typo'", StringComparison.Ordinal), unknown.ToString());
            var ambiguous = await RunAsync([.. command, "20"]);
            Assert.True(ambiguous is { ExitCode: 64, Output: "" } && ambiguous.Error.Contains("several sessions begin with 20", StringComparison.Ordinal), ambiguous.ToString());
        }

        var query = await RunAsync("log", "--name", new string('x', 3_000));
        Assert.True(query.ExitCode == 64 && query.Error.Contains("at most 2048 characters", StringComparison.Ordinal), query.ToString());
    }

    [Fact]
    public async Task Summary_AtTheEnd_IsWhatTheSealedRecordHas()
    {
        for (var i = 0; i < 4; i++)
        {
            var run = await RunAsync("run", "--", "curl", "-s", "--max-time", "5", "--noproxy", i % 2 == 0 ? "none.test" : "*", "https://denied.test/");
            JsonElement session = default;
            await Eventually.TrueAsync(async () =>
            {
                session = await NewestAsync();
                return new[] { "dns", "egress", "secrets" }.All(gate => session.GetProperty("gates").TryGetProperty(gate, out var counts) && counts.TryGetProperty("sealed", out _));
            });
            Assert.NotEqual(0, session.GetProperty("denied").GetInt64());
            Assert.Contains($"session {session.GetProperty("session")}: {session.GetProperty("allowed")} allowed, {session.GetProperty("denied")} denied, ", run.Error, StringComparison.Ordinal);
            Assert.Contains("policy learn", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Summary_WithoutAGatesLastWord_SaysSoFar()
    {
        using var run = Gatehouse.Start(_site.Workspace, ["run", "--", "bash", "-c", "echo ready; read"]);
        Assert.Equal("ready", await run.StandardOutput.ReadLineAsync());
        System.Diagnostics.Process.GetProcessById(Gatehouse.ServiceIds()["egress-proxy"]).Kill();
        await run.StandardInput.WriteLineAsync();
        var said = await run.StandardError.ReadToEndAsync();
        Assert.True(said.Contains(": so far 0 allowed, 0 denied, ", StringComparison.Ordinal), said);
    }

    /// <summary>The nearest policy may be another project's.</summary>
    [Fact]
    public async Task Learn_FromElsewhere_ChangesTheSessionsPolicy_AndIsRecorded()
    {
        var policy = Path.Combine(_site.Workspace, "gatehouse.yaml");
        await File.WriteAllTextAsync(policy, "\uFEFF" + await File.ReadAllTextAsync(policy));
        File.SetUnixFileMode(policy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var other = _site.CreateWorkspace("other");
        var untouched = await File.ReadAllTextAsync(Path.Combine(other, "gatehouse.yaml"));
        var run = await Gatehouse.ScriptAsync(_site.Workspace, "curl -s --max-time 5 https://wanted.test/; true");
        Assert.True(run.ExitCode == 0, run.ToString());
        var session = (await NewestAsync()).GetProperty("session").GetString()!;

        var learned = await Gatehouse.RunAsync(other, ["policy", "learn", session, "--write"]);
        Assert.True(learned.ExitCode == 0, learned.ToString());
        Assert.Equal(untouched, await File.ReadAllTextAsync(Path.Combine(other, "gatehouse.yaml")));
        var text = Encoding.UTF8.GetString(await File.ReadAllBytesAsync(policy));
        Assert.StartsWith("\uFEFFversion", text, StringComparison.Ordinal);
        Assert.Contains("{ host: wanted.test, ports: [443] }", text, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(policy));
        Assert.Contains("\"policy.edited\"", (await RunAsync("log", session, "--json")).Output, StringComparison.Ordinal);
    }

    /// <summary>What a request says of itself is the agent's to write; a rule for that would open what was never dialled.</summary>
    [Fact]
    public async Task Learn_FalseHostHeader_IsNotSuggested()
    {
        await Gatehouse.ScriptAsync(_site.Workspace, "curl -s --max-time 5 --noproxy '*' -H 'Host: github.com' http://9.9.9.9/; true");
        await _site.ExpectRecordAsync("\"destination\":\"9.9.9.9:80\"");
        var learned = await RunAsync("policy", "learn", (await NewestAsync()).GetProperty("session").GetString()!);
        Assert.Equal(0, learned.ExitCode);
        Assert.DoesNotContain("github.com", learned.Output, StringComparison.Ordinal);
        Assert.Contains("# no rule changes this: egress raw-address, by a request for another host than was dialled", learned.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_MoreThanOnePage_AreAllListed()
    {
        using var address = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Gatehouse.RunDirectory, "log-sink.json")));
        using var client = new HttpClient { BaseAddress = new(address.RootElement.GetProperty("url").GetString()!) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", address.RootElement.GetProperty("token").GetString());
        foreach (var batch in Enumerable.Range(0, 1_005).Chunk(500))
        {
            var lines = batch.Select(i => $$"""{"id":"{{Guid.CreateVersion7()}}","time":"2026-11-24T09:27:00Z","session":"s{{i}}","gate":"sandbox","action":"session.start","subject":"x","verdict":"allowed"}""");
            using var content = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson");
            Assert.True((await client.PostAsync("/events", content)).IsSuccessStatusCode);
        }

        var names = (await RunAsync("sessions", "-n", "5000", "--json")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("session").GetString()).ToList();
        Assert.Equal(1_005, names.Count);
        Assert.Equal(1_005, names.Distinct().Count());
        Assert.Equal(1_003, (await RunAsync("sessions", "-n", "1003")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(64, (await RunAsync("sessions", "-n", "0")).ExitCode);
    }

    [Fact]
    public async Task Run_AfterADamagedKeptEvent_HasTheAgentsCode()
    {
        var spool = Path.Combine(Gatehouse.StateDirectory, "spool", "launcher");
        Directory.CreateDirectory(spool);
        var kept = Path.Combine(spool, Guid.CreateVersion7().ToString("N") + ".json");
        await File.WriteAllTextAsync(kept, "{\"id\":");
        System.Diagnostics.Process.Start("chown", ["-R", $"{Gatehouse.Uid}", spool]).WaitForExit();

        var first = await RunAsync("run", "-q", "--", "bash", "-c", "exit 3");
        Assert.True(first.ExitCode == 3, first.ToString());
        Assert.Contains("is set aside in", first.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(kept));
        var second = await RunAsync("run", "-q", "--", "bash", "-c", "exit 3");
        Assert.Equal((3, ""), (second.ExitCode, second.Error));
    }

    /// <summary>Neither the sink nor the disk takes the session's end.</summary>
    [Fact]
    public async Task Run_ThatCanNotBeRecordedAtItsEnd_HasTheAgentsCode()
    {
        using var run = Gatehouse.Start(_site.Workspace, ["run", "-q", "--", "bash", "-c", "echo ready; read; exit 5"]);
        Assert.Equal("ready", await run.StandardOutput.ReadLineAsync());
        await RunAsync("down");
        await File.WriteAllTextAsync(Path.Combine(Gatehouse.StateDirectory, "spool", "launcher"), "in the way");
        await run.StandardInput.WriteLineAsync();
        var said = await run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        Assert.True(run.ExitCode == 5, said);
        Assert.Contains("the record will lack 'session.end'", said, StringComparison.Ordinal);
    }

    /// <summary>The second of two workspaces has a conflict: what was done in the first is recorded, and nothing waits for ever.</summary>
    [Fact]
    public async Task Apply_SecondWorkspaceFails_FirstIsRecorded()
    {
        var folder = _site.CreateWorkspace("two", "", ("a/x.txt", "old\n"), ("b/x.txt", "old\n"));
        var policy = Path.Combine(folder, "gatehouse.yaml");
        await File.WriteAllTextAsync(policy, (await File.ReadAllTextAsync(policy)).Replace(
            "workspaces: [{ host: ., at: /workspace, mode: overlay }]", "workspaces: [{ host: a, at: /a, mode: overlay }, { host: b, at: /b, mode: overlay }]", StringComparison.Ordinal));
        var run = await Gatehouse.ScriptAsync(folder, "echo new > /a/x.txt; echo new > /b/x.txt");
        Assert.True(run.ExitCode == 0, run.ToString());
        var session = (await NewestAsync()).GetProperty("session").GetString()!;
        await File.WriteAllTextAsync(Path.Combine(folder, "b/x.txt"), "the host's\n");

        var applied = await Gatehouse.RunAsync(folder, ["apply", session]);
        Assert.True(applied.ExitCode == 77, applied.ToString());
        Assert.Equal("new\n", await File.ReadAllTextAsync(Path.Combine(folder, "a/x.txt")));
        var recorded = await NewestAsync();
        Assert.Equal(("1 applied, then it failed", 1), (recorded.GetProperty("changes").GetString(), recorded.GetProperty("waiting").GetInt32()));
        Assert.Contains("\"ended\"", State(session), StringComparison.OrdinalIgnoreCase);

        // Of the first nothing is named; the whole session is not done for that.
        var none = await Gatehouse.RunAsync(folder, ["apply", session, "/a/nothing"]);
        Assert.Contains("\"ended\"", State(session), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, (await NewestAsync()).GetProperty("waiting").GetInt32());
        var forced = await Gatehouse.RunAsync(folder, ["apply", session, "--force", "/b/x.txt"]);
        Assert.True(forced.ExitCode == 0, none + forced.ToString());
        Assert.Contains("\"applied\"", State(session), StringComparison.OrdinalIgnoreCase);
    }

    private string State(string session)
    {
        using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(Gatehouse.StateDirectory, "sessions", session, "session.json")));
        return record.RootElement.EnumerateObject().First(member => member.Name.Equals("state", StringComparison.OrdinalIgnoreCase)).Value.GetRawText();
    }
}
