using System.Diagnostics;
using System.Text.RegularExpressions;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>
/// The demo's agent, which tries every road, in every way of holding it. What came of each road in each is the table in <c>docs/isolation.md</c>: this
/// test compares the two, and writes the table when <c>GATEHOUSE_WRITE_MATRIX=1</c>.
/// </summary>
public sealed partial class DemoTableTests
{
    private const string Key = "gh-demo-key-0123456789abcdef0123456789abcdef", Begin = "<!-- demo table: begin -->", End = "<!-- demo table: end -->";

    /// <summary>As the machine has cores: each is a table of thirty attempts, some of which wait for seconds.</summary>
    private const int AtOnce = 3;

    [Fact]
    public async Task Demo_InEveryIsolation_HoldsOnEveryRoad()
    {
        using var folder = new TempFolder();
        var authority = folder.File("ca.pem");
        using var origin = await StartOriginAsync(authority);
        try
        {
            using var turns = new SemaphoreSlim(AtOnce);
            var cells = Enum.GetValues<Cell>();
            var tables = await Task.WhenAll(cells.Select(async cell =>
            {
                await turns.WaitAsync();
                try
                {
                    return await RunAsync(cell, await File.ReadAllTextAsync(authority));
                }
                finally
                {
                    turns.Release();
                }
            }));

            Assert.All(tables, table => Assert.Equal(29, table.Count));
            Assert.All(tables.SelectMany((table, i) => table.Select(row => (Cell: cells[i], Row: row))), each => Assert.True(each.Row.Verdict == "held", $"{each.Cell}: {each.Row}"));
            CompareWithDocumentation(Matrix(cells, tables));
        }
        finally
        {
            origin.Kill(entireProcessTree: true);
            await origin.WaitForExitAsync();
        }
    }

    private static async Task<List<Road>> RunAsync(Cell cell, string authority)
    {
        await using var gatehouse = Installation.Create(cell.IsUnprivileged());
        await cell.PrepareAsync(gatehouse);
        try
        {
            gatehouse.Environment["DEMO_API_KEY"] = Key;
            var demo = Path.Combine(Root(), "examples/demo");
            var files = Directory.EnumerateFiles(demo, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(demo, path))
                .Where(path => path.StartsWith("agent/", StringComparison.Ordinal) || path.StartsWith("notes/", StringComparison.Ordinal) || path.StartsWith("workspace/", StringComparison.Ordinal))
                .Select(path => (path, File.ReadAllText(Path.Combine(demo, path)))).ToList();
            var isolation = string.Concat(cell.Agent().Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(line => $"  {line}\n"));
            var policy = (await File.ReadAllTextAsync(Path.Combine(demo, "gatehouse.yaml"))).Replace("agent:\n", "agent:\n" + isolation, StringComparison.Ordinal);
            files.AddRange([("gatehouse.yaml", policy), ("ca.pem", authority)]);
            var workspace = gatehouse.Folder("demo", [.. files]);

            var result = await gatehouse.RunAsync(workspace, ["run", "-q"], "", TimeSpan.FromSeconds(150));
            Assert.True(result.ExitCode == 0, $"{cell}: {result}");
            // Nothing of it is in the workspace, and all of it can be.
            Assert.False(File.Exists(Path.Combine(workspace, "workspace/result.txt")));
            var applied = await gatehouse.RunAsync(workspace, ["apply"]);
            Assert.True(applied.ExitCode == 0, $"{cell}: {applied}");
            Assert.Equal("colour = green\n", await File.ReadAllTextAsync(Path.Combine(workspace, "workspace/settings.ini")));
            Assert.Contains("chain is whole", (await gatehouse.RunAsync(workspace, ["log", "verify"])).Output, StringComparison.Ordinal);
            return [.. Row().Matches(result.Output).Select(row => new Road(row.Groups[1].Value.Trim(), row.Groups[2].Value, row.Groups[3].Value, row.Groups[4].Value))];
        }
        finally
        {
            await cell.CleanUpAsync(gatehouse);
        }
    }

    private static string Matrix(Cell[] cells, List<Road>[] tables)
    {
        var lines = new List<string>
        {
            $"| road | should be | {string.Join(" | ", cells.Select(Words))} |",
            $"| --- | --- |{string.Concat(cells.Select(_ => " --- |"))}",
        };
        for (var i = 0; i < tables[0].Count; i++)
            lines.Add($"| {tables[0][i].Name} | {tables[0][i].Should} | {string.Join(" | ", tables.Select(table => table[i].Did))} |");
        return string.Join('\n', lines);
    }

    private static string Words(Cell cell) => cell switch
    {
        Cell.BubblewrapRoot => "bubblewrap, root",
        Cell.BubblewrapUnprivileged => "bubblewrap, unprivileged",
        Cell.DockerRoot => "Docker, root",
        Cell.DockerSocket => "Docker, socket only",
        Cell.PodmanRoot => "Podman, root",
        Cell.PodmanRootless => "Podman, rootless",
        _ => cell.ToString(),
    };

    private static void CompareWithDocumentation(string matrix)
    {
        var path = Path.Combine(Root(), "docs/isolation.md");
        var text = File.ReadAllText(path);
        var (from, to) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("GATEHOUSE_WRITE_MATRIX") == "1")
            File.WriteAllText(path, $"{text[..from]}\n{matrix}\n{text[to..]}");
        else
            Assert.Equal(matrix, text[from..to].Trim());
    }

    private static async Task<Process> StartOriginAsync(string authority)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Root(), "artifacts/bin/DemoOrigin", configuration, "Gatehouse.DemoOrigin.dll")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["Demo__ApiKey"] = Key;
        start.Environment["Demo__CaFile"] = authority;
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var client = new HttpClient { BaseAddress = new("http://127.0.0.1:28080") };
        for (var i = 0; i < 200; i++)
        {
            Assert.False(process.HasExited, "the demo's origin ended: are 127.0.0.1:28443 and 28080 free? " + (process.HasExited ? string.Concat(await output) : ""));
            try
            {
                if (File.Exists(authority) && (await client.GetAsync("/health")).IsSuccessStatusCode)
                    return process;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(50);
        }

        process.Kill();
        throw new InvalidOperationException("the demo's origin does not answer");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Aspire.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }

    [GeneratedRegex(@"^(.{52}) (open|closed) +(open|closed) +(held|BROKEN)", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Row();

    private sealed record Road(string Name, string Should, string Did, string Verdict);
}
