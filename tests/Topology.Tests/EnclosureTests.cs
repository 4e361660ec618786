using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>What a person sees who runs a program in an enclosure: the whole topology, the built command, real programs. Once as root, once as nobody in particular.</summary>
public abstract class EnclosureTests(EnclosureFixture fixture)
{
    private EnclosureSite Site => fixture.Site;

    private Installation Gatehouse => fixture.Site.Installation;

    private Task<CommandResult> Inside(string script, string? input = null) => Gatehouse.ScriptAsync(Site.Workspace, script, input);

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 137)]
    [InlineData("no-such-program", 127)]
    public async Task Run_AnyEnd_ExitCodeIsTheAgents(string script, int code)
    {
        var result = await Inside(script);
        Assert.True(result.ExitCode == code, result.ToString());
    }

    [Fact]
    public async Task Run_StandardInput_ReachesTheAgentAndItsOutputComesBack()
    {
        var result = await Inside("tr a-z A-Z; echo problem >&2", "hello\n");
        Assert.Equal("HELLO\n", result.Output);
        Assert.Contains("problem\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Terminate_ReachesTheAgent()
    {
        using var process = Gatehouse.Start(Site.Workspace, ["run", "-q", "--", "bash", "-c", "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.05; done"]);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        Kill(process.Id, 15);
        Assert.Equal("got it", await process.StandardOutput.ReadLineAsync());
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        Assert.Equal(3, process.ExitCode);
    }

    [Fact]
    public async Task Run_OnATerminal_AgentHasItsSizeAndCtrlCIsTheAgents()
    {
        await Gatehouse.RunAsync(Site.Workspace, ["up"]);
        using var process = Gatehouse.StartOnTerminal(Site.Workspace, "stty rows 31 cols 97 -echo", ["run", "-q", "--", "bash", "-c", "trap \"echo got it; exit 4\" INT; test -t 0 && stty size; while :; do sleep 0.05; done"]);
        Assert.Equal("31 97", (await process.StandardOutput.ReadLineAsync())!.Trim());
        await process.StandardInput.WriteAsync('\x03');
        await process.StandardInput.FlushAsync();
        Assert.Contains("got it", await process.StandardOutput.ReadToEndAsync(), StringComparison.Ordinal);
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        Assert.Equal(4, process.ExitCode);
    }

    [Fact]
    public async Task Run_TenAtOnce_EachHasItsOwnEnclosure()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => Inside($"echo {i} > mine; sleep 0.3; cat mine")));
        Assert.All(results.Index(), each => Assert.Equal($"{each.Index}\n", each.Item.Output));
    }

    [Fact]
    public async Task Inside_Rights_AreNone()
    {
        var result = await Inside("""
            id -u; grep -E '^(Cap(Prm|Eff|Bnd|Amb|Inh)|NoNewPrivs|Seccomp):' /proc/self/status
            ls /sys/class/net 2>/dev/null; ip -o link | wc -l; ip route add local 9.9.9.9/32 dev lo 2>&1; ip link set lo down 2>&1
            unshare --user true 2>&1; ls /proc | grep -cE '^[0-9]+$'; hostname
            """);
        Assert.DoesNotContain("\n0\n", "\n" + result.Output.Split('\n')[0] + "\n", StringComparison.Ordinal);
        Assert.Equal(5, result.Output.Split("\t0000000000000000\n").Length - 1);
        Assert.Contains("NoNewPrivs:\t1\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(2, result.Output.Split("RTNETLINK answers: Operation not permitted").Length - 1);
        Assert.Contains("unshare failed", result.Output, StringComparison.Ordinal);
        Assert.Contains("\nenclosure\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inside_Interfaces_AreLoopbackAlone()
    {
        var result = await Inside("ip -o link | awk -F': ' '{print $2}'");
        Assert.Equal("lo\n", result.Output);
    }

    [Fact]
    public async Task Inside_Processes_AreTheAgentsOwn()
    {
        var result = await Inside("for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done | grep -vcE 'bwrap|/.gatehouse/init wait|bash|tr |^$|grep' ; true");
        Assert.Equal("0", result.Output.Trim());
    }

    [Fact]
    public async Task Inside_Environment_IsMadeFromNothing()
    {
        var result = await Inside("env; tr '\\0' '\\n' < /proc/1/environ");
        Assert.DoesNotContain("must-not-be-seen", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("SSH_AUTH_SOCK", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("GATEHOUSE", result.Output, StringComparison.Ordinal);
        Assert.Contains("FROM_POLICY=yes", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inside_OpenFiles_AreStandardInputOutputAndErrorAlone()
    {
        var result = await Inside("cd /proc/$$/fd; for f in *; do [ -e $f ] && echo -n \"$f \"; done");
        Assert.Equal("0 1 2", result.Output.Replace("255", "", StringComparison.Ordinal).Trim());
    }

    [Fact]
    public async Task Inside_HostFiles_OutsideThePolicyAreNotThere()
    {
        var result = await Inside($"ls -d {Gatehouse.Home} {Gatehouse.StateDirectory} /root /home/* /var/run/docker.sock /run/* /sys /boot /mnt 2>/dev/null; cat /etc/shadow /etc/passwd | grep -vE '^(root|agent|nobody):'");
        if (!Site.Cell.IsContainer())
        {
            Assert.Equal("/home/agent\n", result.Output);
            return;
        }

        // The image has folders of its own; the host's are not among them.
        var seen = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("/home/agent", seen);
        Assert.DoesNotContain(seen, each => each == Gatehouse.Home || each == Gatehouse.StateDirectory || each.Contains("docker.sock", StringComparison.Ordinal) || each.Contains(':', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Inside_Workspace_IsWritableAndTheHostsIsNotTouched()
    {
        var result = await Inside("cat seen.txt; echo changed > seen.txt; rm docs/notes.txt; echo new > made; ls -a; cat .env; echo x > /docs/notes.txt; touch /usr/x /etc/x /x");
        Assert.StartsWith("lower\n", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(".env", result.Output, StringComparison.Ordinal);
        Assert.Equal("lower\n", File.ReadAllText(Path.Combine(Site.Workspace, "seen.txt")));
        Assert.True(File.Exists(Path.Combine(Site.Workspace, "docs/notes.txt")));
        var changes = await Gatehouse.RunAsync(Site.Workspace, ["changes", "--json"]);
        Assert.Contains("\"path\":\"seen.txt\",\"kind\":\"modified\"", changes.Output, StringComparison.Ordinal);
        Assert.Contains("\"path\":\"docs/notes.txt\",\"kind\":\"deleted\"", changes.Output, StringComparison.Ordinal);
        Assert.Contains("\"path\":\"made\",\"kind\":\"added\"", changes.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_ThenUndo_BringsTheWorkspaceForthAndBack()
    {
        var folder = Site.CreateWorkspace("applied");
        await Gatehouse.ScriptAsync(folder, "echo changed > seen.txt; echo new > made; mkdir -p .git/hooks; echo evil > .git/hooks/post-checkout; echo 'version: 1' > gatehouse.yaml");
        var session = Session(await Gatehouse.RunAsync(folder, ["sessions", "--json", "-n", "1"]));
        await ExpectWaitingAsync();
        var applied = await Gatehouse.RunAsync(folder, ["apply", session]);
        Assert.True(applied.ExitCode == 0, applied.ToString());
        Assert.Equal("changed\n", File.ReadAllText(Path.Combine(folder, "seen.txt")));
        Assert.Equal("new\n", File.ReadAllText(Path.Combine(folder, "made")));
        Assert.False(File.Exists(Path.Combine(folder, ".git/hooks/post-checkout")), "a hook was applied without being named");
        Assert.Contains("egress", File.ReadAllText(Path.Combine(folder, "gatehouse.yaml")), StringComparison.Ordinal);
        Assert.Contains("held back", applied.Output, StringComparison.Ordinal);
        // What is held back waits.
        Assert.NotEqual(0, await ExpectWaitingAsync());
        var undone = await Gatehouse.RunAsync(folder, ["undo", session]);
        Assert.True(undone.ExitCode == 0, undone.ToString());
        Assert.Equal("lower\n", File.ReadAllText(Path.Combine(folder, "seen.txt")));
        Assert.False(File.Exists(Path.Combine(folder, "made")));
        await ExpectWaitingAsync();
        Assert.Equal(0, (await Gatehouse.RunAsync(folder, ["discard", session])).ExitCode);
        Assert.Equal(0, await ExpectWaitingAsync());

        // The record knows how many there are.
        async Task<int> ExpectWaitingAsync()
        {
            var changes = (await Gatehouse.RunAsync(folder, ["changes", session, "--json"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.Contains("\"workspace\"", StringComparison.Ordinal));
            var record = (await Gatehouse.RunAsync(folder, ["sessions", "--json"])).Output.Split('\n').Single(line => line.Contains($"\"session\":\"{session}\"", StringComparison.Ordinal));
            Assert.Contains($"\"waiting\":{changes},", record, StringComparison.Ordinal);
            return changes;
        }
    }

    [Theory]
    [InlineData("https://allowed.test/hello")]
    [InlineData("https://deep.wild.test/hello")]
    public async Task Egress_AllowedHost_AnswersWithAndWithoutTheProxy(string url)
    {
        var result = await Inside($"curl -sS --max-time 10 {url} | head -1; curl -sS --noproxy '*' --max-time 10 {url} | head -1");
        Assert.True(result.Output.Split("GET /hello").Length == 3, result.ToString());
    }

    [Fact]
    public async Task Egress_AllowedHost_OverIPv6Works()
    {
        // Whatever address is dialled arrives at the gate: this one is named by a rule, and nobody is there.
        var result = await Inside("curl -sS -k --noproxy '*' --max-time 20 'https://[2001:db8::7]/'; echo $?");
        Assert.NotEqual("0", result.Output.Trim());
        await Site.ExpectRecordAsync("[2001:db8::7]:443", "--gate", "egress", "--verdict", "allowed");
    }

    [Fact]
    public async Task Secrets_AllowedCall_GetsTheRealKeyAndShowsIt_Nowhere()
    {
        var result = await Inside("curl -sS -H \"x-api-key: $API_KEY\" $API_URL/v1/whoami | head -1; env; cat /proc/*/environ /workspace/* 2>/dev/null | tr '\\0' '\\n'");
        Assert.Contains("GET /v1/whoami", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(EnclosureSite.Key, result.Output.Split('\n').Skip(1).Aggregate("", (all, line) => all + line + "\n"), StringComparison.Ordinal);
        Assert.Contains(Site.Api.Requests, request => request.Headers["x-api-key"] == EnclosureSite.Key);
        Assert.DoesNotContain(EnclosureSite.Key, await Site.RecordAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Record_OfASession_IsWholeAndBeginsAndEnds()
    {
        await Inside("true");
        var record = await Site.RecordAsync();
        Assert.Contains("\"action\":\"session.start\"", record, StringComparison.Ordinal);
        Assert.Contains("\"action\":\"session.end\"", record, StringComparison.Ordinal);
        var verify = await Gatehouse.RunAsync(Site.Workspace, ["log", "verify"]);
        Assert.True(verify.ExitCode == 0, verify.ToString());
    }

    [Fact]
    public async Task Policy_Broken_EndsWithEveryErrorAnd65()
    {
        var folder = Gatehouse.Folder("broken", ("gatehouse.yaml", "version: 1\negres: {}\nfilesystem:\n  scratch: [{ at: /etc, size: many }]\n"));
        var result = await Gatehouse.ScriptAsync(folder, "true");
        Assert.Equal(65, result.ExitCode);
        Assert.Contains("gatehouse.yaml:2:1:", result.Error, StringComparison.Ordinal);
        Assert.Contains("gatehouse.yaml:4:", result.Error, StringComparison.Ordinal);
    }

    private static string Session(CommandResult sessions) =>
        System.Text.Json.JsonDocument.Parse(sessions.Output.Split('\n')[0]).RootElement.GetProperty("session").GetString()!;

    private static void Kill(int process, int signal) => System.Diagnostics.Process.Start("/bin/kill", [$"-{signal}", $"{process}"])!.WaitForExit();
}

public abstract class EnclosureFixture(Cell cell) : IAsyncLifetime
{
    public EnclosureSite Site { get; private set; } = null!;

    public async Task InitializeAsync() => Site = await EnclosureSite.CreateAsync(cell);

    public async Task DisposeAsync() => await Site.DisposeAsync();
}

public sealed class RootFixture() : EnclosureFixture(Cell.BubblewrapRoot);

public sealed class UnprivilegedFixture() : EnclosureFixture(Cell.BubblewrapUnprivileged);

public sealed class DockerRootFixture() : EnclosureFixture(Cell.DockerRoot);

public sealed class DockerSocketFixture() : EnclosureFixture(Cell.DockerSocket);

public sealed class PodmanRootFixture() : EnclosureFixture(Cell.PodmanRoot);

public sealed class PodmanRootlessFixture() : EnclosureFixture(Cell.PodmanRootless);

public sealed class DockerRootEnclosureTests(DockerRootFixture fixture) : EnclosureTests(fixture), IClassFixture<DockerRootFixture>;

public sealed class DockerSocketEnclosureTests(DockerSocketFixture fixture) : EnclosureTests(fixture), IClassFixture<DockerSocketFixture>;

public sealed class PodmanRootEnclosureTests(PodmanRootFixture fixture) : EnclosureTests(fixture), IClassFixture<PodmanRootFixture>;

public sealed class PodmanRootlessEnclosureTests(PodmanRootlessFixture fixture) : EnclosureTests(fixture), IClassFixture<PodmanRootlessFixture>;

public sealed class RootEnclosureTests(RootFixture fixture) : EnclosureTests(fixture), IClassFixture<RootFixture>;

public sealed class UnprivilegedEnclosureTests(UnprivilegedFixture fixture) : EnclosureTests(fixture), IClassFixture<UnprivilegedFixture>;
