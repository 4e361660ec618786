namespace Gatehouse.Images.Tests;

[Collection("docker")]
public sealed class AgentImageTests(DockerFixture docker)
{
    private const string Image = "gatehouse/agent:test";

    [Theory]
    [InlineData("id -u; id -un", "1000\nagent")]
    [InlineData("claude --version", "Claude Code")]
    [InlineData("openclaw --version", "OpenClaw")]
    [InlineData("node --version", "v24.")]
    [InlineData("git --version", "git version")]
    [InlineData("rg --version", "ripgrep")]
    [InlineData("diff --version && curl --version && ps --version", "procps")]
    public async Task Agent_ReadOnlyAndWithoutCapabilities_RunsItsTools(string command, string expected) =>
        Assert.Contains(expected, await docker.MustAsync("docker",
            "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp",
            "--tmpfs", "/home/agent:uid=1000,gid=1000", Image, "bash", "-c", command), StringComparison.Ordinal);

    [Fact]
    public async Task Agent_AnyFile_HasNoSetUserIdOrSetGroupIdBit() =>
        Assert.Equal("", await docker.MustAsync("docker", "run", "--rm", "--network", "none", "--user", "0", Image, "find", "/", "-xdev", "-perm", "/6000"));

    [Fact]
    public async Task Agent_Configuration_HasNoVolumeEntrypointOrTrigger() =>
        Assert.Equal("agent 0 0 0", await docker.MustAsync("docker", "image", "inspect", "--format",
            "{{.Config.User}} {{len .Config.Volumes}} {{len .Config.Entrypoint}} {{len .Config.OnBuild}}", Image));
}
