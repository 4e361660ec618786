using System.Diagnostics;
using System.Globalization;
using Gatehouse.TestKit;

namespace Gatehouse.Benchmarks;

/// <summary>
/// Whole commands, interleaved in one run so that the machine's noise hits all alike: a program that does nothing in an enclosure, against the peers
/// that are installed; the services from nothing to healthy; their memory when idle.
/// </summary>
internal static class StartUp
{
    public static async Task<int> RunAsync(int rounds)
    {
        await using var gatehouse = Installation.Create(unprivileged: false);
        var folder = gatehouse.Folder("work", ("file", "x"));
        var up = new List<double>();
        for (var i = 0; i < Math.Min(rounds, 5); i++)
        {
            up.Add(await TimeAsync(() => gatehouse.RunAsync(folder, ["up"])));
            if (i + 1 < Math.Min(rounds, 5))
                await gatehouse.RunAsync(folder, ["down"]);
        }

        var commands = new List<(string Name, Func<Task> Run)> { ("gatehouse run -- true", () => gatehouse.RunAsync(folder, ["run", "-q", "--", "true"])) };
        var cells = await ContainersAsync(commands);
        foreach (var (name, program, arguments) in new[]
        {
            ("bwrap true", "/usr/bin/bwrap", "--ro-bind / / --proc /proc --dev /dev --unshare-all true"),
            ("srt true", FindSrt(), "true"),
            ("docker run --rm --network none IMG true", "/usr/bin/docker", $"run --rm --network none {CellSetUp.Image} true"),
            ("podman run --rm --network none IMG true", "/usr/bin/podman", $"--runtime runc run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 {CellSetUp.Image} true"),
        })
        {
            if (File.Exists(program) && arguments.Length > 0 && await ExitCodeAsync(program, arguments) == 0)
                commands.Add((name, () => ExitCodeAsync(program, arguments)));
            else
                Console.WriteLine($"{name}: not to be had here");
        }

        var times = commands.ToDictionary(command => command.Name, _ => new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, run) in commands)
            {
                var time = await TimeAsync(run);
                if (round > 0)
                    times[name].Add(time);
            }
        }

        Print("gatehouse up (nothing to healthy)", up);
        foreach (var (name, _) in commands)
            Print(name, times[name]);
        var own = Median(times["gatehouse run -- true"]);
        foreach (var (name, _) in commands.Skip(1))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"gatehouse run / {name}: {own / Median(times[name]):0.00}"));
        foreach (var (cell, installation) in cells)
        {
            await cell.CleanUpAsync(installation);
            await installation.DisposeAsync();
        }

        await Task.Delay(TimeSpan.FromSeconds(5));
        var ids = gatehouse.ServiceIds().Values.ToList();
        using (var host = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(gatehouse.RunDirectory, "host.json"))))
            ids.Add(host.RootElement.GetProperty("pid").GetInt32());
        Console.WriteLine($"idle memory of {ids.Count} processes: PSS {ids.Sum(id => Kilobytes(id, "Pss:")) / 1024} MiB, RSS {ids.Sum(id => Kilobytes(id, "Rss:")) / 1024} MiB");
        return 0;
    }

    // Each with services of its own, so that none finds another's warm.
    private static async Task<List<(Cell, Installation)>> ContainersAsync(List<(string, Func<Task>)> commands)
    {
        var made = new List<(Cell, Installation)>();
        if (Environment.GetEnvironmentVariable("GATEHOUSE_TEST_IMAGE") is null)
        {
            Console.WriteLine("containers: not to be had here ('source deploy/prepare.sh deploy/test-engines.sh; start_engines')");
            return made;
        }

        foreach (var cell in Enum.GetValues<Cell>().Where(cell => cell != Cell.BubblewrapRoot))
        {
            var installation = Installation.Create(cell.IsUnprivileged());
            made.Add((cell, installation));
            await cell.PrepareAsync(installation);
            var folder = installation.Folder("work", ("gatehouse.yaml", $$"""
                version: 1
                agent: { {{cell.Agent()}}limits: { duration: 5m } }
                filesystem: { workspaces: [{ host: ., at: /workspace }] }
                """));
            await installation.RunAsync(folder, ["up"]);
            var result = await installation.RunAsync(folder, ["run", "-q", "--", "true"]);
            if (result.ExitCode != 0)
                throw new InvalidOperationException($"{cell}: {result}");
            commands.Add(($"gatehouse run -- true, {cell}", () => installation.RunAsync(folder, ["run", "-q", "--", "true"])));
        }

        return made;
    }

    private static string FindSrt()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "npm-bench/node_modules/.bin/srt");
            if (File.Exists(path))
                return path;
        }

        return "/usr/local/bin/srt";
    }

    private static async Task<double> TimeAsync(Func<Task> run)
    {
        var start = Stopwatch.GetTimestamp();
        await run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async Task<int> ExitCodeAsync(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static long Kilobytes(int process, string name) => long.Parse(
        File.ReadLines($"/proc/{process}/smaps_rollup").First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private static void Print(string name, List<double> times) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name,-46} median {Median(times),7:0.0} ms   min {times.Min(),7:0.0}   max {times.Max(),7:0.0}   ({times.Count} runs)"));
}
