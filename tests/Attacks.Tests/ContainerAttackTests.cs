using System.Diagnostics;
using Gatehouse.TestKit;

namespace Gatehouse.Attacks.Tests;

/// <summary>What an agent tries in a container, what a hostile image tries before it, and what a killed launcher leaves.</summary>
public abstract class ContainerAttackTests(ContainerFixture fixture)
{
    private EnclosureSite Site => fixture.Site;

    private Task<CommandResult> Inside(string script) => Site.Installation.ScriptAsync(Site.Workspace, script);

    [Theory]
    [InlineData("curl -sS --noproxy '*' --max-time 3 http://127.0.0.11/")]
    [InlineData("curl -sS --noproxy '*' --max-time 3 http://172.17.0.1/")]
    [InlineData("curl -sS --noproxy '*' --max-time 3 http://host.docker.internal/")]
    [InlineData("curl -sS --noproxy '*' --max-time 3 http://host.containers.internal/")]
    [InlineData("dig +short +time=1 +tries=1 @127.0.0.11 blocked.test | grep -v '^;'")]
    [InlineData("ls /var/run/docker.sock || ls /run/docker.sock || ls /run/podman/podman.sock")]
    [InlineData("curl -sS --max-time 3 --unix-socket /var/run/docker.sock http://d/version")]
    [InlineData("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all")]
    [InlineData("echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start")]
    [InlineData("echo '|/bin/sh' > /proc/sys/kernel/core_pattern")]
    [InlineData("f=$(ls -d /sys/fs/cgroup/*/ | head -1); mkdir $f/x && echo 1 > $f/x/notify_on_release")]
    [InlineData("mkdir -p /tmp/m && mount -t tmpfs none /tmp/m")]
    [InlineData("mkdir -p /tmp/m && mount -t cgroup -o memory cgroup /tmp/m")]
    [InlineData("unshare --user true")]
    [InlineData("unshare --net true")]
    [InlineData("nsenter -t 1 -n true")]
    [InlineData("cat /proc/1/environ")]
    [InlineData("ls -l /proc/1/fd")]
    [InlineData("cat /proc/1/mem")]
    [InlineData("python3 -c \"import socket; s=socket.socket(); s.bind(('198.18.0.1', 443))\"")]
    [InlineData("python3 -c \"import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\"")]
    [InlineData("echo x > /usr/bin/planted")]
    [InlineData("printf '#!/bin/sh\\necho ran' > /tmp/p; chmod +x /tmp/p; /tmp/p")]
    [InlineData("mknod /tmp/d b 8 0")]
    public async Task Road_OutOfTheContainer_IsClosed(string script)
    {
        var result = await Inside($"out=$({script} 2>/dev/null) && [ -z \"$(grep -c urn:gatehouse <<<\"$out\" | grep -v '^0')\" ] && echo REACHED; true");
        Assert.DoesNotContain("REACHED", result.Output, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Fact]
    public async Task FirstProcess_Killed_StaysUntilTheAgentEnds()
    {
        // At once: while it starts a program, a process with threads is more easily ended than at rest.
        var result = await Inside("kill -TERM 1; kill -INT 1; for s in {1..64}; do kill -$s 1; done; sleep 0.2; echo still here");
        Assert.True(result.Output == "still here\n", result.ToString());
    }

    [Fact]
    public async Task ForkBomb_IsBounded()
    {
        var result = await Inside("""
            python3 - <<'P'
            import os, signal
            children = []
            try:
                while len(children) < 2000:
                    child = os.fork()
                    if child == 0: signal.pause()
                    children.append(child)
            except OSError: pass
            print(len(children), flush=True)
            for child in children: os.kill(child, 9)
            P
            """);
        Assert.True(int.TryParse(result.Output.Trim().Split('\n')[^1], out var count) && count < 500, result.ToString());
    }

    [Fact]
    public async Task Scratch_Filled_IsBounded()
    {
        var result = await Inside("head -c 200000000 /dev/zero > /tmp/big; stat -c %s /tmp/big");
        Assert.True(long.Parse(result.Output.Trim(), System.Globalization.CultureInfo.InvariantCulture) <= 64 << 20, result.ToString());
    }

    [Fact]
    public async Task MemoryBomb_EndsTheAgentAndNothingElse()
    {
        var folder = Site.CreateWorkspaceFor("bomb");
        var policy = Path.Combine(folder, "gatehouse.yaml");
        File.WriteAllText(policy, File.ReadAllText(policy).Replace("limits: { processes: 400,", "limits: { processes: 400, memory: 96MiB,", StringComparison.Ordinal));
        var result = await Site.Installation.ScriptAsync(folder, "echo began; exec python3 -c \"b = []\nwhile True: b.append(bytearray(1 << 20))\"");
        if (Site.Cell == Cell.PodmanRootless && !File.Exists("/sys/fs/cgroup/cgroup.controllers"))
        {
            // A bound that can not be kept is refused, not left out.
            Assert.Contains("need cgroup v2", result.Error, StringComparison.Ordinal);
            return;
        }

        Assert.StartsWith("began\n", result.Output, StringComparison.Ordinal);
        // Ended by the kernel, or told by it that there is no more.
        Assert.True(result.ExitCode is 137 or 1, result.ToString());
        Assert.Equal("fine\n", (await Inside("echo fine")).Output);
    }

    /// <summary>Whoever may use the engine is root, and could do worse. What joins by mistake, or by a tool that scans containers, is held like the agent.</summary>
    [Fact]
    public async Task OtherContainer_ThatJoinsTheNamespace_IsHeldByTheSameGates()
    {
        using var process = Site.Installation.Start(Site.Workspace, ["run", "-q", "--", "bash", "-c", "echo ready; read -r"]);
        try
        {
            Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
            var name = (await fixture.EngineAsync("ps", "--filter", "label=gatehouse.installation=" + await File.ReadAllTextAsync(Path.Combine(Site.Installation.StateDirectory, "installation")), "--format", "{{.Names}}")).Split('\n')[0];
            var output = await fixture.EngineAsync([.. fixture.Run, "--rm", "--network", "container:" + name, CellSetUp.Image, "bash", "-c", """
                curl -sS --max-time 3 -o /dev/null http://1.1.1.1/ -w '%{http_code}\n'
                curl -sS --max-time 3 -o /dev/null https://blocked.test/ && echo REACHED
                python3 -c "import socket; s = socket.socket(); s.bind(('198.18.0.1', 443))" 2>/dev/null && echo TAKEN
                ip route add 9.9.9.9/32 dev lo 2>/dev/null && echo CHANGED
                echo over
                """]);
            // Without root the namespace is the user's own, and so is what they do to it from beside; it is root's otherwise, and their container has no such right.
            Assert.Equal("403\nover", Site.Cell == Cell.PodmanRootless ? output.Replace("CHANGED\n", "", StringComparison.Ordinal) : output);
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
        }

        await Site.ExpectRecordAsync("1.1.1.1");
        await Site.ExpectRecordAsync("blocked.test");
    }

    /// <summary>Cleaning up goes by a marker of ours, a name, and a label whose value nobody else knows: not by what a container says of itself.</summary>
    [Fact]
    public async Task OtherContainer_WithOurNameAndSpoofedLabels_IsNotRemoved()
    {
        await Inside("true");
        const string session = "20260101-000000-fake";
        var name = "gatehouse-" + session + "-" + Guid.NewGuid().ToString("N")[..6];
        var id = await fixture.EngineAsync([.. fixture.Run, "--detach", "--name", name, "--network", "none", "--label", "gatehouse.session=" + session, "--label", "gatehouse.installation=other", CellSetUp.Image, "sleep", "120"]);
        var marker = Path.Combine(Site.Installation.StateDirectory, "containers", session + ".json");
        try
        {
            var engine = Site.Cell is Cell.PodmanRoot or Cell.PodmanRootless ? "podman" : "docker";
            await File.WriteAllTextAsync(marker, $$"""{"session":"{{session}}","engine":"{{engine}}","containers":["{{name}}"],"volumes":[],"hostMounts":[]}""");
            await Site.Installation.RunAsync(Site.Workspace, ["sessions", "-n", "1"]);
            Assert.False(File.Exists(marker), "the marker was not looked at");
            Assert.Equal("running", await fixture.EngineAsync("inspect", "--format", "{{.State.Status}}", id));
        }
        finally
        {
            await fixture.EngineAsync("rm", "--force", id);
            File.Delete(marker);
        }
    }

    [Fact]
    public async Task Gate_KilledUnderASession_ClosesItsRoadAndLeavesNothing()
    {
        await Inside("true");
        using var process = Site.Installation.Start(Site.Workspace, ["run", "-q", "--", "bash", "-c", "echo ready; read -r; curl -sS --max-time 3 -o /dev/null https://allowed.test/ && echo REACHED; echo over"]);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        using (var gate = Process.GetProcessById(Site.Installation.ServiceIds()["egress-proxy"]))
        {
            gate.Kill();
            await gate.WaitForExitAsync();
        }

        await process.StandardInput.WriteLineAsync();
        process.StandardInput.Close();
        Assert.Equal("over\n", await process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        await AssertNothingIsLeftAsync();
        // The others of this class begin with services that are whole.
        await Site.Installation.RunAsync(Site.Workspace, ["down"]);
        Assert.Equal("fine\n", (await Inside("echo fine")).Output);
    }

    [Fact]
    public async Task Launcher_Killed_LeavesNothingAfterTheNextCommand()
    {
        await Inside("true");
        using var process = Site.Installation.Start(Site.Workspace, ["run", "-q", "--", "bash", "-c", "echo ready; sleep 300"]);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        process.Kill();
        await process.WaitForExitAsync();
        await AssertNothingIsLeftAsync();
    }

    private async Task AssertNothingIsLeftAsync()
    {
        for (var i = 0; i < 50; i++)
        {
            await Site.Installation.RunAsync(Site.Workspace, ["sessions", "-n", "1"]);
            if (Directory.GetFiles(Path.Combine(Site.Installation.StateDirectory, "containers")).Length == 0)
                break;
            await Task.Delay(100);
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(Site.Installation.StateDirectory, "containers")));
        var mounts = await File.ReadAllTextAsync("/proc/self/mounts");
        Assert.DoesNotContain(Site.Installation.StateDirectory, mounts, StringComparison.Ordinal);
        // Others use the same engine at the same time.
        var own = "label=gatehouse.installation=" + await File.ReadAllTextAsync(Path.Combine(Site.Installation.StateDirectory, "installation"));
        Assert.Equal("", await fixture.EngineAsync("ps", "--all", "--quiet", "--filter", own));
        Assert.Equal("", await fixture.EngineAsync("volume", "ls", "--quiet", "--filter", own));
    }
}

public abstract class ContainerFixture(Cell cell) : IAsyncLifetime
{
    public EnclosureSite Site { get; private set; } = null!;

    public async Task InitializeAsync() => Site = await EnclosureSite.CreateAsync(cell);

    public async Task DisposeAsync() => await Site.DisposeAsync();

    /// <summary>What a plain <c>run</c> needs on this machine, the words before it included.</summary>
    public string[] Run => cell is Cell.PodmanRoot or Cell.PodmanRootless ? ["--runtime", "runc", "run", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"] : ["run"];

    /// <summary>Podman without root has containers of its own, which its user alone can ask for.</summary>
    public async Task<string> EngineAsync(params string[] arguments)
    {
        using var process = cell == Cell.PodmanRootless
            ? Site.Installation.StartProgram(Site.Installation.Home, ["/usr/bin/podman", .. arguments])
            : Process.Start(new ProcessStartInfo(cell == Cell.PodmanRoot ? "podman" : "docker", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output.Trim();
    }
}

public sealed class DockerRootAttackFixture() : ContainerFixture(Cell.DockerRoot);

public sealed class PodmanRootlessAttackFixture() : ContainerFixture(Cell.PodmanRootless);

public sealed class DockerSocketAttackFixture() : ContainerFixture(Cell.DockerSocket);

public sealed class PodmanRootAttackFixture() : ContainerFixture(Cell.PodmanRoot);

public sealed class DockerSocketAttackTests(DockerSocketAttackFixture fixture) : ContainerAttackTests(fixture), IClassFixture<DockerSocketAttackFixture>;

public sealed class DockerRootAttackTests(DockerRootAttackFixture fixture) : ContainerAttackTests(fixture), IClassFixture<DockerRootAttackFixture>;

public sealed class PodmanRootlessAttackTests(PodmanRootlessAttackFixture fixture) : ContainerAttackTests(fixture), IClassFixture<PodmanRootlessAttackFixture>;

public sealed class PodmanRootAttackTests(PodmanRootAttackFixture fixture) : ContainerAttackTests(fixture), IClassFixture<PodmanRootAttackFixture>;

/// <summary>An image whose every instruction is against us.</summary>
public sealed class HostileImageTests(DockerSocketAttackFixture fixture) : IClassFixture<DockerSocketAttackFixture>
{
    [Fact]
    public async Task HostileImage_EntryPointEnvironmentVolumesUserAndLabels_HaveNoSay()
    {
        const string image = "gatehouse/hostile:test";
        var archive = Environment.GetEnvironmentVariable("GATEHOUSE_TEST_IMAGE")!;
        await fixture.EngineAsync("import", "--change", "ENTRYPOINT [\"/bin/sh\", \"-c\", \"echo OWNED\"]", "--change", "CMD [\"x\"]",
            "--change", "ENV LD_PRELOAD=/evil.so HTTP_PROXY=http://evil.test:1 BASH_ENV=/evil.sh", "--change", "VOLUME /data", "--change", "USER root",
            "--change", "HEALTHCHECK --interval=1s CMD touch /tmp/health", "--change", "ONBUILD RUN true", "--change", "LABEL gatehouse.session=other gatehouse.installation=other",
            archive, image);
        try
        {
            var site = fixture.Site;
            var folder = site.CreateWorkspaceFor("hostile");
            var policy = Path.Combine(folder, "gatehouse.yaml");
            File.WriteAllText(policy, File.ReadAllText(policy).Replace(CellSetUp.Image, image, StringComparison.Ordinal));
            var result = await site.Installation.ScriptAsync(folder, "id -u; env | grep -E 'LD_PRELOAD|evil|BASH_ENV'; df --output=fstype /data | tail -1; sleep 1.2; ls /tmp/health 2>&1 | grep -v 'No such'; true");
            Assert.Equal(0, result.ExitCode);
            Assert.DoesNotContain("OWNED", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("evil", result.Output, StringComparison.Ordinal);
            Assert.NotEqual("0", result.Output.Split('\n')[0]);
            Assert.Contains("tmpfs", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("/tmp/health\n", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            await fixture.EngineAsync("rmi", "--force", image);
        }
    }
}
