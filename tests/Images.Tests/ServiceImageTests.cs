namespace Gatehouse.Images.Tests;

[Collection("docker")]
public sealed class ServiceImageTests(DockerFixture docker)
{
    [Fact]
    public async Task LogSink_ReadOnlyRootAndNoCapabilities_BecomesHealthy()
    {
        var id = await docker.MustAsync("docker",
            "run", "--detach", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--tmpfs", "/run/gatehouse:uid=1654,gid=1654,mode=700", "--tmpfs", "/var/lib/gatehouse:uid=1654,gid=1654,mode=700", "--tmpfs", "/tmp",
            "--env", "Gatehouse__Token=0123456789012345678901234567890123456789", "gatehouse/log-sink:test");
        try
        {
            var state = "";
            for (var attempt = 0; attempt < 60 && state != "running healthy"; attempt++)
            {
                await Task.Delay(500);
                state = await docker.MustAsync("docker", "inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", id);
            }

            Assert.True(state == "running healthy", state + "\n" + (await docker.RunAsync("docker", "logs", id)).Text);
        }
        finally
        {
            _ = await docker.RunAsync("docker", "rm", "--force", id);
        }
    }
}
