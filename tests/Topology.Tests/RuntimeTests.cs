using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>Another runtime than the engine's own choice.</summary>
public sealed class RuntimeTests
{
    /// <summary>
    /// crun refuses a machine whose control groups are mixed (version 1, with controllers left in 2). Where this one is, the command runs in a mount namespace
    /// that does not show version 2; everything else is as anybody runs it.
    /// </summary>
    [Fact]
    public async Task Crun_WithPodman_HoldsTheAgentAndItsLimits()
    {
        await using var gatehouse = Installation.Create(unprivileged: false);
        await Cell.PodmanRoot.PrepareAsync(gatehouse);
        var folder = gatehouse.Folder("project", ("gatehouse.yaml", $$"""
            version: 1
            agent: { isolation: podman, image: "{{CellSetUp.Image}}", runtime: crun, limits: { memory: 256MiB, processes: 100 } }
            filesystem: { workspaces: [{ host: ., at: /workspace }] }
            """));
        const string script = "echo written > file; grep -h . /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; grep -E '^(CapBnd|Seccomp):' /proc/self/status; ip -o link | wc -l; exit 7";
        using var process = gatehouse.StartProgram(folder,
        [
            "/usr/bin/unshare", "--mount", "--propagation", "private", "sh", "-c", "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"", "sh", gatehouse.Command, "run", "-q", "--", "bash", "-c", script,
        ]);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);

        Assert.True(process.ExitCode == 7, output + await error);
        Assert.Equal("268435456\nCapBnd:\t0000000000000000\nSeccomp:\t2\n1\n", output);
        Assert.Contains("A /workspace/file", (await gatehouse.RunAsync(folder, ["changes"])).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("runsc")]
    [InlineData("kata-fc")]
    public async Task RuntimeWithAKernelOfItsOwn_IsRefusedBeforeAnythingRuns(string runtime)
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        var folder = gatehouse.Folder("project", ("gatehouse.yaml", $"version: 1\nagent: {{ isolation: docker, image: x, runtime: {runtime} }}\n"));
        var result = await gatehouse.RunAsync(folder, ["run", "--", "true"]);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("not supported yet", result.Error, StringComparison.Ordinal);
        Assert.Contains(runtime, result.Error, StringComparison.Ordinal);
    }
}
