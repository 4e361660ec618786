using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;

namespace Gatehouse.Benchmarks;

/// <summary>The log sink as it ships, a record in it, and one page of a browser before it.</summary>
internal sealed class ConsoleLoadSite : IAsyncDisposable
{
    public const string Largest = "20261124-080000-large";
    public const int Sessions = 40;

    private const int Batch = 1_000;
    private const string Token = "0123456789abcdef";

    private readonly string _folder = Directory.CreateTempSubdirectory("console-load-").FullName;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromMinutes(2) };
    private Process? _sink;
    private IPage? _page;
    private string _home = "";
    private int _shown;

    public long Memory
    {
        get
        {
            _sink!.Refresh();
            return _sink.WorkingSet64 / 1048576;
        }
    }

    public TimeSpan Processor
    {
        get
        {
            _sink!.Refresh();
            return _sink.TotalProcessorTime;
        }
    }

    public long DatabaseMegabytes => new FileInfo(Path.Combine(_folder, "log/events.db")).Length / 1048576;

    private IPage Page => _page!;

    private ILocator Rows => Page.Locator("table.timeline > tbody > tr");

    public static async Task<ConsoleLoadSite> StartAsync()
    {
        var site = new ConsoleLoadSite();
        try
        {
            await site.StartSinkAsync();
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    public async Task FillAsync(int events)
    {
        var policy = Path.Combine(_folder, "gatehouse.yaml");
        await File.WriteAllTextAsync(policy, "version: 1\negress:\n  allow:\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"    - host: allowed{i}.example.com\n")));
        var detail = ImmutableSortedDictionary<string, string>.Empty.Add("command", "claude -p 'fix the tests'").Add("workingDirectory", "/home/me").Add("policy", policy).Add("isolation", "docker");
        await PostAsync(Enumerable.Range(0, Sessions).Select(i => Event(Name(i), Boundary.Sandbox, "session.start", "claude") with { Detail = detail }));
        await Parallel.ForEachAsync(Enumerable.Range(0, Math.Max(1, events / Batch)), new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (batch, _) => await PostAsync(Enumerable.Range(batch * Batch, Batch).SelectMany(Attempt).Take(Batch)));
    }

    public async Task SignInAsync(IBrowser browser)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1280, Height = 860 }, ReducedMotion = ReducedMotion.Reduce });
        _page = await context.NewPageAsync();
        using var response = await _client.PostAsync("/console/links", null);
        using var link = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        await Page.GotoAsync(new Uri(_client.BaseAddress!, link.RootElement.GetProperty("path").GetString()).AbsoluteUri);
        await Page.WaitForURLAsync(new System.Text.RegularExpressions.Regex("/console/[0-9a-f]{32}/$"));
        _home = Page.Url;
    }

    /// <summary>From the navigation until the content is there: a page of the console is drawn when it is live, and not before.</summary>
    public async Task OpenAsync(string path, string[] content)
    {
        await Page.GotoAsync(_home + path, new() { WaitUntil = WaitUntilState.Commit });
        await Page.WaitForFunctionAsync("selectors => selectors.every(selector => document.querySelector(selector))", content);
    }

    public Task LeaveAsync() => Page.GotoAsync("about:blank");

    public async Task FilterAsync(string verdict, string text)
    {
        await Page.GetByLabel("Verdict").SelectOptionAsync(verdict);
        await Page.GetByLabel("Name or text").FillAsync(text);
        await Page.WaitForFunctionAsync("""
            ([verdict, text]) => {
                const status = document.querySelector('.filters [role=status]').innerText;
                const rows = [...document.querySelectorAll('table.timeline > tbody > tr')];
                return !status.includes('Searching') && (rows.length > 0 || status.includes(' 0 shown'))
                    && rows.every(row => row.innerText.includes(text) && (verdict === '' || row.className === 'is-denied'))
                    && (verdict !== '' || text !== '' || new Set(rows.map(row => row.cells[4].innerText)).size > 9 && rows.some(row => row.className === ''));
            }
            """, new[] { verdict, text });
    }

    public async Task OpenRecordAsync()
    {
        await Rows.Nth(50).Locator("button.link").ClickAsync();
        await SeeAsync("tr.detail .spans", "No spans");
    }

    public async Task CloseRecordAsync()
    {
        await Rows.Nth(50).Locator("button.link").ClickAsync();
        await Page.WaitForFunctionAsync("() => !document.querySelector('tr.detail')");
    }

    /// <summary>Stored, and seen on the page, which is filtered for it.</summary>
    public async Task ShowEventAsync()
    {
        var name = $"live-{++_shown}.example.com";
        await PostAsync([Event(Largest, Boundary.Dns, "query", name)]);
        await SeeAsync("table.timeline tbody", name);
    }

    public async Task ShowSessionAsync()
    {
        var name = $"20261124-090000-live{++_shown}";
        await PostAsync([Event(name, Boundary.Sandbox, "session.start", "claude")]);
        await SeeAsync("main tbody", name);
    }

    /// <summary>Events in batches, as gates deliver them, until it is disposed of.</summary>
    public IAsyncDisposable Arrive(int perSecond) => new Arrival(this, perSecond / 20);

    public async ValueTask DisposeAsync()
    {
        if (_sink is not null)
        {
            _sink.Kill();
            await _sink.WaitForExitAsync();
            _sink.Dispose();
        }

        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // At every frame: a locator is looked for twice a second in the end.
    private async Task SeeAsync(string selector, string text) =>
        await Page.WaitForFunctionAsync("([selector, text]) => document.querySelector(selector)?.innerText.includes(text)", new[] { selector, text });

    // Three of ten attempts are of the largest session; the others come from all of them in turn, as they would.
    private static string Name(int session) => session == 0 ? Largest : $"20261124-080000-s{session}";

    // Two events each, so that half as many attempts fill a batch.
    private static IEnumerable<BoundaryEvent> Attempt(int i)
    {
        var session = i % 10 < 3 ? Largest : Name(1 + (i / 10 % (Sessions - 1)));
        var (kind, host) = (i / 10 % 100, $"host{i % 997}.example");
        if (kind < 3)
        {
            yield return Event(session, Boundary.Egress, "connect", $"{host}:443") with
            {
                Verdict = VerdictKind.Denied,
                Reason = $"no rule names {host}",
                Detail = ImmutableSortedDictionary<string, string>.Empty.Add("denial", "name-not-allowed").Add("via", "connect").Add("host", host),
            };
        }
        else if (kind < 40)
        {
            yield return Event(session, Boundary.Dns, "query", $"{host} A") with { Rule = $"egress.allow[{i % 20}] allowed{i % 20}.example.com" };
        }
        else
        {
            var connect = Event(session, Boundary.Egress, "connect", $"{host}:443") with { Rule = $"egress.allow[{i % 20}] allowed{i % 20}.example.com" };
            yield return connect;
            yield return Event(session, Boundary.Egress, "connect.end", $"{host}:443") with { Attempt = connect.Id, BytesSent = 700 + (i % 100), BytesReceived = 40L * (i % 5_000), DurationMs = 12.5 };
        }
    }

    private static BoundaryEvent Event(string session, Boundary gate, string action, string subject) => new()
    {
        Id = Guid.CreateVersion7(),
        Time = TimeProvider.System.GetUtcNow(),
        Session = session,
        Gate = gate,
        Action = action,
        Subject = subject,
        Verdict = VerdictKind.Allowed,
        TraceId = "0af7651916cd43dd8448eb211c80319c",
    };

    private async Task PostAsync(IEnumerable<BoundaryEvent> events)
    {
        using var content = new StringContent(string.Concat(events.Select(each => JsonSerializer.Serialize(each, EventJson.Default.BoundaryEvent) + "\n")), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        using var response = await _client.PostAsync("/events", content);
        response.EnsureSuccessStatusCode();
    }

    private async Task StartSinkAsync()
    {
        var address = Path.Combine(_folder, "log-sink.json");
        var start = new ProcessStartInfo("dotnet",
        [
            Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../LogSink/release/Gatehouse.LogSink.dll")), "--urls=http://127.0.0.1:0", $"--Gatehouse:Token={Token}",
            $"--LogSink:Database={Path.Combine(_folder, "log", "events.db")}", $"--LogSink:AddressFile={address}", "--Logging:LogLevel:Default=Warning",
        ])
        { RedirectStandardOutput = true };
        start.Environment["GATEHOUSE_RUN"] = Path.Combine(_folder, "run");
        start.Environment["GATEHOUSE_STATE"] = Path.Combine(_folder, "state");
        start.Environment["HOME"] = _folder;
        _sink = Process.Start(start)!;
        _sink.OutputDataReceived += (_, _) => { };
        _sink.BeginOutputReadLine();
        for (var i = 0; i < 400 && !File.Exists(address); i++)
            await Task.Delay(50);
        using var found = JsonDocument.Parse(await File.ReadAllTextAsync(address));
        _client.BaseAddress = new(found.RootElement.GetProperty("url").GetString()!);
        _client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
    }

    private sealed class Arrival : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _sending;

        public Arrival(ConsoleLoadSite site, int each) => _sending = SendAsync(site, each, _stop.Token);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _sending;
            _stop.Dispose();
        }

        private static async Task SendAsync(ConsoleLoadSite site, int each, CancellationToken stop)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            try
            {
                for (var i = 0; await timer.WaitForNextTickAsync(stop); i++)
                {
                    var from = i;
                    // All of the session that is looked at.
                    await site.PostAsync(Enumerable.Range(0, each).Select(j => Event(Largest, Boundary.Egress, "connect.end", $"host{(from + j) % 50}.example:443") with { BytesSent = 100, BytesReceived = 5_000 }));
                }
            }
            catch (OperationCanceledException)
            {
                // Enough.
            }
        }
    }
}
