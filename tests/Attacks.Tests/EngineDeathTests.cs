using System.Diagnostics;
using System.Globalization;
using Gatehouse.TestKit;

namespace Gatehouse.Attacks.Tests;

/// <summary>The engine dies while an agent runs. A daemon of the test's own, on paths of its own.</summary>
public sealed class EngineDeathTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ghd-").FullName;
    private Process? _daemon;

    private string Host => $"unix://{_folder}/docker.sock";

    public Task InitializeAsync() => StartDaemonAsync();

    public async Task DisposeAsync()
    {
        await StopAsync("TERM");
        foreach (var mount in new[] { "/exec/netns/default", "/data" })
            _ = await RunAsync("umount", "--lazy", _folder + mount);
        _ = await RunAsync("rm", "-rf", "--one-file-system", _folder);
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    public async Task Daemon_EndedUnderASession_EndsTheAgentToo(string signal)
    {
        var archive = Environment.GetEnvironmentVariable("GATEHOUSE_TEST_IMAGE") ?? throw new InvalidOperationException("run ./test.sh, which makes the image");
        var (code, text) = await RunAsync("docker", "--host", Host, "import", archive, CellSetUp.Image);
        Assert.True(code == 0, text);
        var gatehouse = Installation.Create(unprivileged: false);
        try
        {
            await EndAsync(signal, gatehouse);
        }
        catch (Exception e)
        {
            var seen = $"{e.Message}\n{await File.ReadAllTextAsync(_folder + "/log")}\n{(await RunAsync("docker", "--host", Host, "ps", "--all")).Text}\n{(await RunAsync("docker", "--host", Host, "volume", "ls")).Text}";
            try
            {
                await gatehouse.DisposeAsync();
            }
            catch (IOException)
            {
                // What is still mounted keeps the folder from being removed, which must not be told in place of what went wrong.
            }

            throw new InvalidOperationException(seen, e);
        }

        await gatehouse.DisposeAsync();
    }

    private async Task EndAsync(string signal, Installation gatehouse)
    {
        gatehouse.Environment["DOCKER_HOST"] = Host;
        var marker = "sleep-" + Guid.NewGuid().ToString("N")[..12];
        var folder = gatehouse.Folder("project", ("gatehouse.yaml", $"version: 1\nagent: {{ isolation: docker, image: \"{CellSetUp.Image}\" }}\nfilesystem: {{ workspaces: [{{ host: ., at: /workspace }}] }}\n"));

        using var process = gatehouse.Start(folder, ["run", "-q", "--", "bash", "-c", $"echo x > file; echo ready; exec -a {marker} sleep 600"]);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        for (var i = 0; i < 50 && Processes(marker).Count == 0; i++)
            await Task.Delay(100);
        Assert.NotEmpty(Processes(marker));
        await StopAsync(signal);

        // Its client is gone, so the launcher ends the session: without its lease the first process ends, whoever else still holds the container.
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(40)).Token);
        for (var i = 0; i < 100 && Processes(marker).Count > 0; i++)
            await Task.Delay(100);
        Assert.Empty(Processes(marker));

        await StartDaemonAsync();
        var markers = Path.Combine(gatehouse.StateDirectory, "containers");
        // A daemon that just came back may still be busy with what it found.
        for (var i = 0; i < 50 && (i == 0 || Directory.GetFiles(markers).Length > 0); i++)
        {
            Assert.Contains("A /workspace/file", (await gatehouse.RunAsync(folder, ["changes"])).Output, StringComparison.Ordinal);
            await Task.Delay(100);
        }

        Assert.Empty(Directory.GetFiles(markers));
        Assert.Equal("", (await RunAsync("docker", "--host", Host, "ps", "--all", "--quiet")).Text);
        Assert.Equal("", (await RunAsync("docker", "--host", Host, "volume", "ls", "--quiet")).Text);
        Assert.DoesNotContain(gatehouse.StateDirectory, await File.ReadAllTextAsync("/proc/self/mounts"), StringComparison.Ordinal);
        Assert.Contains("session.end", (await gatehouse.RunAsync(folder, ["log", "--json", "--limit", "50"])).Output, StringComparison.Ordinal);
    }

    private async Task StartDaemonAsync()
    {
        Assert.True(Environment.UserName == "root", "needs root to start a daemon: run ./test.sh");
        File.Delete(_folder + "/pid");
        _daemon = Process.Start(new ProcessStartInfo("bash",
        [
            "-c", $"exec dockerd --data-root {_folder}/data --exec-root {_folder}/exec -p {_folder}/pid -H {Host} --bridge=none --iptables=false >>{_folder}/log 2>&1",
        ]))!;
        for (var i = 0; (await RunAsync("docker", "--host", Host, "version")).Code != 0; i++)
        {
            Assert.True(i < 100 && !_daemon.HasExited, "dockerd does not start:\n" + await File.ReadAllTextAsync(_folder + "/log"));
            await Task.Delay(200);
        }
    }

    private async Task StopAsync(string signal)
    {
        if (_daemon is null)
            return;
        Kill(_daemon.Id, signal);
        await _daemon.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        _daemon.Dispose();
        _daemon = null;
        // A daemon that is killed leaves its containerd, which the next one could not start beside.
        for (var i = 0; i < 100 && Processes(_folder) is { Count: > 0 } left; i++)
        {
            left.ForEach(each => Kill(each, "KILL"));
            await Task.Delay(50);
        }

        // A process that nobody has waited for yet still counts as one for the next daemon.
        File.Delete(_folder + "/exec/containerd/containerd.pid");
    }

    private static void Kill(int id, string signal) =>
        Process.Start(new ProcessStartInfo("/bin/kill", ["-" + signal, id.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true })!.WaitForExit();

    private static List<int> Processes(string word) =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).Where(id => id != Environment.ProcessId && CommandLine(id).StartsWith(word, StringComparison.Ordinal) || IsOurs(id, word))];

    // A daemon's helpers name its folder; the agent's own name is its first word.
    private static bool IsOurs(int id, string word) => word.StartsWith('/') && id != Environment.ProcessId && CommandLine(id).Contains(word, StringComparison.Ordinal);

    private static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task<(int Code, string Text)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, process.ExitCode == 0 ? output.Trim() : output + await error);
    }
}
