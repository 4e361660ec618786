namespace Gatehouse.TestKit;

/// <summary>One way of holding an agent on this machine: who runs Gatehouse, and what isolates.</summary>
public enum Cell
{
    BubblewrapRoot,
    BubblewrapUnprivileged,
    DockerRoot,

    /// <summary>An unprivileged user who may use Docker's socket, and nothing else of root's.</summary>
    DockerSocket,
    PodmanRoot,
    PodmanRootless,
}

/// <summary>What a cell needs: its lines of policy, and its image. <c>test.sh</c> has brought the engines and the image's files.</summary>
public static class CellSetUp
{
    /// <summary>The image that <c>deploy/test-engines.sh</c> makes for Docker and for root's Podman.</summary>
    public const string Image = "gatehouse/test:1";

    public static bool IsUnprivileged(this Cell cell) => cell is Cell.BubblewrapUnprivileged or Cell.DockerSocket or Cell.PodmanRootless;

    public static bool IsContainer(this Cell cell) => cell is not (Cell.BubblewrapRoot or Cell.BubblewrapUnprivileged);

    /// <summary>Keys of <c>agent:</c>.</summary>
    public static string Agent(this Cell cell) => cell switch
    {
        Cell.DockerRoot or Cell.DockerSocket => $"isolation: docker, image: \"{Image}\", ",
        // What Podman would choose, crun, does not run on every machine's cgroups; it has a test of its own.
        Cell.PodmanRoot or Cell.PodmanRootless => $"isolation: podman, image: \"{Image}\", runtime: runc, ",
        _ => "",
    };

    public static async Task PrepareAsync(this Cell cell, Installation installation)
    {
        if (!cell.IsContainer())
            return;
        var archive = Environment.GetEnvironmentVariable("GATEHOUSE_TEST_IMAGE");
        if (archive is null || !File.Exists(archive))
            throw new InvalidOperationException("the tests of containers need the engines and the image that ./test.sh sets up ('source deploy/test-engines.sh')");
        if (cell is Cell.DockerRoot or Cell.DockerSocket)
            installation.Environment["DOCKER_HOST"] = Environment.GetEnvironmentVariable("DOCKER_HOST") ?? "unix:///var/run/docker.sock";
        if (cell != Cell.PodmanRootless)
            return;

        // Storage of its own, below the home: the user is nobody's.
        var runtime = installation.Folder("xdg");
        File.SetUnixFileMode(runtime, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        installation.Environment["XDG_RUNTIME_DIR"] = runtime;
        installation.Folder(".config/containers", ("storage.conf", "[storage]\ndriver = \"overlay\"\n"));
        installation.Folder(".config");
        var (code, output) = await RunAsync(installation, ["/usr/bin/podman", "import", archive, Image]);
        if (code != 0)
            throw new InvalidOperationException("podman import: " + output);
    }

    /// <summary>Podman's own storage holds files of mapped owners, and it leaves a process that holds its namespace.</summary>
    public static async Task CleanUpAsync(this Cell cell, Installation installation)
    {
        if (cell != Cell.PodmanRootless || !installation.Environment.TryGetValue("XDG_RUNTIME_DIR", out var runtime))
            return;
        await RunAsync(installation, ["/usr/bin/podman", "system", "reset", "--force"]);
        var pause = Path.Combine(runtime, "libpod/tmp/pause.pid");
        if (File.Exists(pause))
            await RunAsync(installation, ["/bin/kill", "-9", (await File.ReadAllTextAsync(pause)).Trim()]);
    }

    private static async Task<(int Code, string Output)> RunAsync(Installation installation, List<string> command)
    {
        using var process = installation.StartProgram(installation.Home, command);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await error;
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
