using System.Text.Json;

namespace Gatehouse.Images.Tests;

/// <summary>The Compose files as checked in, with the images that this repository builds: nothing of the host takes part but Docker.</summary>
[Collection("docker")]
public sealed class ComposeTests(DockerFixture docker) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("compose-tests-").FullName;
    private readonly string _project = "gatehouse-" + Guid.NewGuid().ToString("N")[..8];

    private string Workspace => Path.Combine(_folder, "workspace");

    public async Task InitializeAsync()
    {
        await docker.MustAsync(DockerFixture.Root + "/deploy/images/build.sh", "--base", "gatehouse/base:bookworm", "--tag", "test",
            "dns-resolver", "egress-proxy", "secrets-gateway", "sandbox", "demo-origin");
        await docker.MustAsync(DockerFixture.Root + "/deploy/compose/setup.sh");
        await docker.MustAsync("cp", "-r", DockerFixture.Root + "/examples/demo/workspace", Workspace);
        await docker.MustAsync("docker", "image", "inspect", "--format", "{{.Id}}", "gatehouse/agent:test");
    }

    public async Task DisposeAsync()
    {
        _ = await ComposeAsync("down", "--volumes", "--timeout", "5");
        _ = await docker.RunAsync("docker", "image", "rm", "--force", "gatehouse/composed-agent:test");
        Directory.Delete(_folder, recursive: true);
        Assert.Equal("", await docker.MustAsync("docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=" + _project));
        Assert.Equal("", await docker.MustAsync("docker", "volume", "ls", "--quiet", "--filter", "label=com.docker.compose.project=" + _project));
        Assert.Equal("", await docker.MustAsync("docker", "network", "ls", "--quiet", "--filter", "label=com.docker.compose.project=" + _project));
    }

    [Fact]
    public async Task Demo_Up_EveryRoadHoldsAndWhatTheAgentDidIsReviewed()
    {
        var (code, text) = await ComposeAsync("up", "--build", "--no-color", "--abort-on-container-exit", "--exit-code-from", "sandbox");
        var table = text.Split('\n').Where(line => line.StartsWith("agent_1 ", StringComparison.Ordinal)).ToList();
        Assert.True(code == 0, $"exit code {code}\n{text}");
        Assert.Equal(29, table.Count(line => line.Contains(" held ", StringComparison.Ordinal)));
        Assert.DoesNotContain(table, line => line.Contains("BROKEN", StringComparison.Ordinal));
        Assert.Contains(table, line => line.EndsWith("Everything held.", StringComparison.Ordinal));

        await AssertHardenedAsync();
        await ReviewAsync();
    }

    // What the file says is not what counts, but what the engine made of it.
    private async Task AssertHardenedAsync()
    {
        var ids = (await docker.MustAsync("docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=" + _project)).Split('\n');
        using var all = JsonDocument.Parse(await docker.MustAsync("docker", ["inspect", .. ids]));
        Assert.Equal(7, all.RootElement.GetArrayLength());
        foreach (var container in all.RootElement.EnumerateArray())
        {
            var service = container.GetProperty("Config").GetProperty("Labels").GetProperty("com.docker.compose.service").GetString()!;
            var host = container.GetProperty("HostConfig");
            Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean(), service);
            Assert.False(host.GetProperty("Privileged").GetBoolean(), service);
            Assert.Equal("ALL", Assert.Single(host.GetProperty("CapDrop").EnumerateArray()).GetString());
            Assert.Contains("no-new-privileges", host.GetProperty("SecurityOpt").ToString(), StringComparison.Ordinal);
            Assert.True(host.GetProperty("PidsLimit").GetInt64() is > 0 and <= 1024, service);
            Assert.True(host.GetProperty("Memory").GetInt64() > 0, service);
            Assert.NotEqual("host", host.GetProperty("PidMode").GetString());
            var mounts = container.GetProperty("Mounts").EnumerateArray().Select(mount => mount.GetProperty("Destination").GetString()!).Order().ToList();
            Assert.DoesNotContain(mounts, mount => mount.Contains("docker.sock", StringComparison.Ordinal));
            if (service == "sandbox")
                continue;
            Assert.Matches("^(1000:1000|1654:1654)$", container.GetProperty("Config").GetProperty("User").GetString());
            Assert.Equal(JsonValueKind.Null, host.GetProperty("CapAdd").ValueKind);
            Assert.Equal(service is "secrets-gateway" or "demo-origin", mounts.Contains("/run/secrets/api-key"));
            if (service != "agent")
                continue;
            Assert.Equal("none", host.GetProperty("NetworkMode").GetString());
            Assert.Equal(["/agent", "/etc/gatehouse", "/notes", "/workspace"], mounts);
        }
    }

    private async Task ReviewAsync()
    {
        Assert.Equal(0, (await ComposeAsync("up", "--detach", "log-sink")).Code);
        // The sink's container runs, but it is not said that the sink does.
        for (var i = 0; i < 20 && (await ComposeAsync("run", "--rm", "gatehouse", "log", "--limit", "1")).Code != 0; i++)
            await Task.Delay(1_000);
        var log = await GatehouseAsync("log", "--limit", "200");
        Assert.Contains("blocked.demo.test", log, StringComparison.Ordinal);
        Assert.Contains("session.start", log, StringComparison.Ordinal);
        Assert.Contains("session.end", log, StringComparison.Ordinal);
        Assert.Contains("the chain is whole", await GatehouseAsync("log", "verify"), StringComparison.Ordinal);
        Assert.Contains("settings.ini", await GatehouseAsync("changes"), StringComparison.Ordinal);

        Assert.Equal("colour = blue\n", await File.ReadAllTextAsync(Path.Combine(Workspace, "settings.ini")));
        await GatehouseAsync("apply");
        Assert.Equal("colour = green\n", await File.ReadAllTextAsync(Path.Combine(Workspace, "settings.ini")));
        Assert.Equal("written by the agent\n", await File.ReadAllTextAsync(Path.Combine(Workspace, "result.txt")));
        Assert.False(File.Exists(Path.Combine(Workspace, "README.md")));
        Assert.True(File.Exists(Path.Combine(Workspace, ".env")));
    }

    private async Task<string> GatehouseAsync(params string[] arguments)
    {
        var (code, text) = await ComposeAsync(["run", "--rm", "gatehouse", .. arguments]);
        Assert.True(code == 0, $"gatehouse {string.Join(' ', arguments)}: {code}\n{text}");
        return text;
    }

    private Task<(int Code, string Text)> ComposeAsync(params string[] arguments) => docker.RunAsync("env",
    [
        "GATEHOUSE_TAG=test", "AGENT_IMAGE=gatehouse/agent:test", "WORKSPACE=" + Workspace, "DOCKER_BUILDKIT=0", "COMPOSE_DOCKER_CLI_BUILD=0",
        "docker-compose", "--project-name", _project, "--project-directory", DockerFixture.Root + "/deploy/compose",
        "--file", DockerFixture.Root + "/deploy/compose/docker-compose.yaml", "--file", DockerFixture.Root + "/deploy/compose/demo.yaml", .. arguments,
    ]);
}
