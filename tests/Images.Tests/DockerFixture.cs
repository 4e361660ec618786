using System.Diagnostics;

namespace Gatehouse.Images.Tests;

/// <summary>A Docker that answers: the one of DOCKER_HOST, the machine's, else a daemon of our own with private paths. Without any, the tests fail.</summary>
public sealed class DockerFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("images-tests-").FullName;
    private Process? _daemon;
    private string? _host = Environment.GetEnvironmentVariable("DOCKER_HOST");

    public static string Root { get; } = FindRoot();

    public async Task InitializeAsync()
    {
        if ((await RunAsync("docker", "version")).Code != 0)
            await StartDaemonAsync();
        await MustAsync(Root + "/deploy/images/base.sh");
        await MustAsync(Root + "/deploy/images/agent.sh", "--base", "gatehouse/base:bookworm", "--tag", "gatehouse/agent:test", "AGENTS=claude-code,openclaw");
        await MustAsync(Root + "/deploy/images/build.sh", "--base", "gatehouse/base:bookworm", "--tag", "test", "log-sink");
    }

    public async Task DisposeAsync()
    {
        if (_daemon is not null)
        {
            // SIGTERM: it unmounts what it mounted; killed, it would leave that behind.
            _ = await RunAsync("kill", "-TERM", _daemon.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            await _daemon.WaitForExitAsync(bound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_daemon.HasExited)
                _daemon.Kill();
            _daemon.Dispose();
        }

        _ = await RunAsync("rm", "-rf", "--one-file-system", _folder);
    }

    /// <summary>Both outputs together, trimmed; the test fails when the exit code is not 0.</summary>
    public async Task<string> MustAsync(string program, params string[] arguments)
    {
        var (code, text) = await RunAsync(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: exit code {code}\n{text}");
        return text;
    }

    public async Task<(int Code, string Text)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (_host is not null)
            start.Environment["DOCKER_HOST"] = _host;
        using var process = Process.Start(start)!;
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        var output = process.StandardOutput.ReadToEndAsync(bound.Token);
        var error = process.StandardError.ReadToEndAsync(bound.Token);
        try
        {
            await process.WaitForExitAsync(bound.Token);
            return (process.ExitCode, (await output + await error).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} took more than eight minutes");
        }
    }

    private async Task StartDaemonAsync()
    {
        Assert.True(Environment.UserName == "root", "No Docker answers, and starting one needs root: run the tests as root, or set DOCKER_HOST");
        _host = $"unix://{_folder}/docker.sock";
        _daemon = Process.Start(new ProcessStartInfo("bash",
        [
            "-c", $"exec dockerd --data-root {_folder}/data --exec-root {_folder}/exec -p {_folder}/pid -H {_host} --bridge=none --iptables=false >{_folder}/log 2>&1",
        ]));
        for (var attempt = 0; (await RunAsync("docker", "version")).Code != 0; attempt++)
        {
            Assert.True(attempt < 60 && !_daemon!.HasExited, "dockerd does not start:\n" + await File.ReadAllTextAsync(_folder + "/log"));
            await Task.Delay(500);
        }
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Aspire.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }
}

[CollectionDefinition("docker")]
public sealed class DockerTests : ICollectionFixture<DockerFixture>;
