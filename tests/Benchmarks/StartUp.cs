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
        foreach (var (name, program, arguments) in new[]
        {
            ("bwrap true", "/usr/bin/bwrap", "--ro-bind / / --proc /proc --dev /dev --unshare-all true"),
            ("srt true", FindSrt(), "true"),
            ("docker run --rm --network none IMG true", "/usr/bin/docker", Environment.GetEnvironmentVariable("BENCHMARK_IMAGE") is { } image ? $"run --rm --network none {image} true" : ""),
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
        await Task.Delay(TimeSpan.FromSeconds(5));
        var ids = gatehouse.ServiceIds().Values.ToList();
        using (var host = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(gatehouse.RunDirectory, "host.json"))))
            ids.Add(host.RootElement.GetProperty("pid").GetInt32());
        Console.WriteLine($"idle memory of {ids.Count} processes: PSS {ids.Sum(id => Kilobytes(id, "Pss:")) / 1024} MiB, RSS {ids.Sum(id => Kilobytes(id, "Rss:")) / 1024} MiB");
        return 0;
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
        $"{name,-42} median {Median(times),7:0.0} ms   min {times.Min(),7:0.0}   max {times.Max(),7:0.0}   ({times.Count} runs)"));
}
