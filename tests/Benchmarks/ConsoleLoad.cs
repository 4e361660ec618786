using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;

namespace Gatehouse.Benchmarks;

/// <summary>
/// The console in Debian's Chromium over a large record, and over an almost empty one in turn, so that the machine's noise hits both alike: pages from the
/// navigation to their live content, filters, and events on their way to the page while others arrive.
/// </summary>
internal static class ConsoleLoad
{
    private const int Few = 1_000, PerSecond = 500;

    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(5);

    private static readonly (string Name, string Path, string[] Content)[] s_pages =
    [
        ("Sessions", "", ["table tbody tr"]),
        ("a session: timeline", "sessions/" + ConsoleLoadSite.Largest, ["table.timeline tbody tr:nth-child(100)"]),
        ("a session: chart too", "sessions/" + ConsoleLoadSite.Largest, ["table.timeline tbody tr:nth-child(100)", ".traffic svg rect"]),
        ("Policy, with suggestions", "policy/" + ConsoleLoadSite.Largest, ["section[aria-labelledby=rules] tbody tr", "section[aria-labelledby=suggestions] li"]),
        ("Pending", "pending", ["p.empty"]),
        ("Health", "health", ["dl.health"]),
    ];

    public static async Task<int> RunAsync(int events, int rounds)
    {
        await using var few = await ConsoleLoadSite.StartAsync();
        await using var many = await ConsoleLoadSite.StartAsync();
        ConsoleLoadSite[] sites = [few, many];
        await few.FillAsync(Few);
        var began = Stopwatch.GetTimestamp();
        await many.FillAsync(events);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{events:N0} events in {ConsoleLoadSite.Sessions} sessions, {events * 3 / 10:N0} of them in one; stored in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s; {rounds} rounds, ms"));
        Console.WriteLine($"memory before: {few.Memory} MiB and {many.Memory} MiB");

        using var playwright = await Playwright.CreateAsync();
        await using var chromium = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] });
        foreach (var site in sites)
            await site.SignInAsync(chromium);

        Console.WriteLine($"{"",-44} {Few + " events",22} {events + " events",24}");
        foreach (var (name, path, content) in s_pages)
            await CompareAsync(name, rounds, sites, site => site.OpenAsync(path, content));
        foreach (var site in sites)
            await site.OpenAsync(s_pages[1].Path, s_pages[1].Content);
        await CompareAsync("filter: verdict denied", rounds, sites, site => site.FilterAsync("denied", ""), site => site.FilterAsync("", ""));
        await CompareAsync("filter: a name that is often there", rounds, sites, site => site.FilterAsync("", "host7.example"), site => site.FilterAsync("", ""));
        await CompareAsync("filter: a name that is nowhere", rounds, sites, site => site.FilterAsync("", "nowhere.example"), site => site.FilterAsync("", ""));
        await CompareAsync("a record opened", rounds, sites, site => site.OpenRecordAsync(), site => site.CloseRecordAsync());

        foreach (var (name, prepare, show) in new (string, Func<ConsoleLoadSite, Task>, Func<ConsoleLoadSite, Task>)[]
        {
            ("an event, on its session's page", site => site.FilterAsync("", "live-"), site => site.ShowEventAsync()),
            ("a session that begins, on Sessions", site => site.OpenAsync("", s_pages[0].Content), site => site.ShowSessionAsync()),
        })
        {
            foreach (var site in sites)
                await prepare(site);
            await using var few500 = few.Arrive(PerSecond);
            await using var many500 = many.Arrive(PerSecond);
            // The page looks at the record in intervals: events come at any time of one.
            await CompareAsync($"{name}, beside {PerSecond}/s", rounds, sites, show, _ => Task.Delay(Random.Shared.Next(500)));
        }

        foreach (var (name, path, content) in s_pages[..2])
            await CostAsync(name, sites, path, content);
        await CostAsync("no page", sites, null, []);
        Console.WriteLine($"memory after: {few.Memory} MiB and {many.Memory} MiB; database {many.DatabaseMegabytes} MiB");
        return 0;
    }

    private static async Task CompareAsync(string name, int rounds, ConsoleLoadSite[] sites, Func<ConsoleLoadSite, Task> act, Func<ConsoleLoadSite, Task>? undo = null)
    {
        var times = sites.ToDictionary(site => site, _ => new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var site in sites)
            {
                var start = Stopwatch.GetTimestamp();
                await act(site);
                // The first one fills caches.
                if (round > 0)
                    times[site].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (undo is not null)
                    await undo(site);
            }
        }

        var (few, many) = (times[sites[0]], times[sites[1]]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {Median(few),8:0} worst {few.Max(),6:0} {Median(many),10:0} worst {many.Max(),6:0}   × {Median(many) / Median(few):0.00}"));
    }

    // What following the record costs the sink, while events arrive.
    private static async Task CostAsync(string name, ConsoleLoadSite[] sites, string? path, string[] content)
    {
        var costs = new List<double>();
        foreach (var site in sites)
        {
            if (path is null)
                await site.LeaveAsync();
            else
                await site.OpenAsync(path, content);
            await using var arriving = site.Arrive(PerSecond);
            await Task.Delay(TimeSpan.FromSeconds(1));
            var before = site.Processor;
            await Task.Delay(s_quiet);
            costs.Add((site.Processor - before) / s_quiet * 100);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"the sink's processor beside {PerSecond}/s: {name}",-44} {costs[0],8:0.0} %{costs[1],24:0.0} %"));
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);
}
