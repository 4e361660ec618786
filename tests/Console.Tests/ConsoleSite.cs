using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.Console.Tests;

/// <summary>A sink as it ships, in a process of its own, with a record, a policy file, and a stand-in for the <c>gatehouse</c> command.</summary>
internal sealed class ConsoleSite : IAsyncDisposable
{
    public const string Token = "0123456789abcdef";

    /// <summary>Of the session that <see cref="FillAsync"/> stores: it runs since some minutes.</summary>
    public static readonly DateTimeOffset Began = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().AddMinutes(-6).ToUnixTimeSeconds());

    public static readonly string Session = Began.ToString("yyyyMMdd-HHmmss", System.Globalization.CultureInfo.InvariantCulture) + "-demo";

    private readonly TempFolder _folder = new();
    private Process? _sink;

    public HttpClient Client { get; } = new();

    public Uri Url => Client.BaseAddress!;

    public string Policy => _folder.File("gatehouse.yaml");

    /// <summary>The sink's <c>HOME</c>.</summary>
    public string Home => _folder.File("home");

    /// <summary>Where all of its files are.</summary>
    public string Folder => _folder.Path;

    /// <summary>What the stand-in was run with, a call a line.</summary>
    public string[] Calls => File.Exists(_folder.File("calls")) ? File.ReadAllLines(_folder.File("calls")) : [];

    /// <param name="settings">More of the sink's configuration: <c>--LogSink:…=…</c></param>
    public static Task<ConsoleSite> StartAsync(params string[] settings)
    {
        // artifacts/bin/Console.Tests/<configuration>/ → artifacts/bin/LogSink/<configuration>/
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        return StartFromAsync(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../LogSink", configuration)), settings);
    }

    /// <param name="folder">Where the program is.</param>
    /// <param name="settings">As above.</param>
    public static async Task<ConsoleSite> StartFromAsync(string folder, params string[] settings)
    {
        var site = new ConsoleSite();
        try
        {
            await site.StartSinkAsync(Path.Combine(folder, "Gatehouse.LogSink.dll"), settings);
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    /// <summary>A session that tried this and that.</summary>
    public async Task FillAsync(bool spans = true, string? session = null)
    {
        session ??= Session;
        await File.WriteAllTextAsync(Policy,
            """
            # Kept as it is.
            version: 1
            egress:
              allow:
                - host: api.example.org
                - host: never.example.org
                - host: registry.example.net
                - host: cdn.example.com
            secrets:
              - name: anthropic
                upstream: https://api.anthropic.com
                from: env:ANTHROPIC_API_KEY
                inject: { header: x-api-key, value: "{secret}" }
                allow:
                  - { method: POST, path: /v1/messages }

            """);
        File.SetUnixFileMode(Policy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var began = Began;
        var (attempt, end) = (Guid.Empty, Guid.Empty);
        List<BoundaryEvent> events = [Start(session, "claude -p 'fix the tests'", began)];
        for (var i = 0; i < 60; i++)
        {
            (attempt, end) = (Guid.CreateVersion7(), Guid.CreateVersion7());
            var (host, rule, bytes) = (i % 3) switch { 0 => ("api.example.org", 0, 40_000L), 1 => ("registry.example.net", 2, 9_000L), _ => ("cdn.example.com", 3, 2_500L) };
            events.Add(Event(Boundary.Egress, "connect", host + ":443", VerdictKind.Allowed, began.AddSeconds(5 * i + 1), session) with { Id = attempt, Rule = $"egress.allow[{rule}] {host}", TraceId = SpanRequest.Trace });
            events.Add(Event(Boundary.Egress, "connect.end", host + ":443", VerdictKind.Allowed, began.AddSeconds(5 * i + 3), session) with { Id = end, Attempt = attempt, BytesSent = bytes / 10, BytesReceived = bytes, DurationMs = 2_000 });
        }

        events.Add(Event(Boundary.Dns, "query", "aGVsbG8.exfil.example A", VerdictKind.Denied, began.AddSeconds(301), session) with { Reason = "no rule names this host" });
        events.Add(Event(Boundary.Egress, "connect", "blocked.example:443", VerdictKind.Denied, began.AddSeconds(304), session) with
        {
            Reason = "no rule names blocked.example",
            Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("denial", "name-not-allowed").Add("via", "connect"),
        });
        events.Add(Event(Boundary.Secrets, "request", "POST anthropic/v1/messages", VerdictKind.Allowed, began.AddSeconds(308), session) with { Rule = "secrets[0].allow[0] POST /v1/messages" });
        await StoreAsync(events);
        if (!spans)
            return;
        await SpanRequest.SendAsync(this, "agent", new TestSpan("00000000000000a1", null, "session " + session, began, 310_000));
        await SpanRequest.SendAsync(this, "egress-proxy",
            new TestSpan("00000000000000a2", "00000000000000a1", "egress connect", began.AddSeconds(296), 120, attempt),
            new TestSpan("00000000000000a3", "00000000000000a2", "resolve cdn.example.com", began.AddSeconds(296.02), 60),
            new TestSpan("00000000000000a4", "00000000000000a1", "egress connect.end", began.AddSeconds(296.12), 2_000, end, "the origin closed the connection"));
    }

    public static BoundaryEvent Event(Boundary gate, string action, string subject, VerdictKind verdict, DateTimeOffset time, string? session = null) =>
        Sample.Event(session ?? Session, subject) with { Gate = gate, Action = action, Verdict = verdict, Time = time };

    public BoundaryEvent Start(string session, string command, DateTimeOffset time) =>
        Event(Boundary.Sandbox, "session.start", command, VerdictKind.Allowed, time, session) with
        {
            Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty
                .Add("command", command).Add("workingDirectory", "/home/me/project").Add("policy", Policy).Add("isolation", "docker"),
        };

    public static BoundaryEvent End(string session, int code, DateTimeOffset time, string command = "claude") => Event(Boundary.Sandbox, "session.end", command, VerdictKind.Allowed, time, session) with { Detail = Detail("exitCode", code) };

    /// <summary>A gate's last word.</summary>
    public static BoundaryEvent Seal(string session, Boundary gate, int records, DateTimeOffset time) =>
        Event(gate, BoundaryActions.Seal, $"{records} events", VerdictKind.Allowed, time, session) with { Detail = Detail("records", records) };

    /// <summary>What became of the files that a session changed.</summary>
    public static BoundaryEvent Changes(string session, string action, string said, int? waiting, DateTimeOffset time) =>
        Event(Boundary.Filesystem, action, said, VerdictKind.Allowed, time, session) with { Detail = waiting is { } count ? Detail("waiting", count) : null };

    /// <summary>Sessions of before, each with another end.</summary>
    public async Task FillHistoryAsync()
    {
        var time = new DateTimeOffset(2026, 11, 23, 9, 0, 0, TimeSpan.Zero);
        await StoreAsync([
            .. Past("20261123-090000-good", "codex exec 'update the docs'", 12, 12), Changes("20261123-090000-good", BoundaryActions.Changes, "3 modified", 3, time.AddMinutes(4)),
            Changes("20261123-090000-good", BoundaryActions.ChangesApplied, "3 applied", 0, time.AddMinutes(9)),
            .. Past("20261123-090000-lost", "npm test", 7, 9), Changes("20261123-090000-lost", BoundaryActions.Changes, "2 added, 1 modified", 3, time.AddMinutes(4)),
            .. Past("20261123-090000-dead", "claude", 4, null), Changes("20261123-090000-dead", BoundaryActions.Changes, "", 0, time.AddMinutes(4)),
            .. Past("20261123-090000-seal", "claude --resume", 20, 20), Changes("20261123-090000-seal", BoundaryActions.Changes, "1 added, 16 modified", 17, time.AddMinutes(4)),
        ]);

        IEnumerable<BoundaryEvent> Past(string session, string command, int stored, int? said) =>
        [
            Start(session, command, time), .. Enumerable.Range(0, stored).Select(i => Event(Boundary.Egress, "connect", "api.example.org:443", VerdictKind.Allowed, time.AddSeconds(11 * i), session) with { BytesSent = 900, BytesReceived = 70_000 }),
            Seal(session, Boundary.Dns, 0, time.AddMinutes(4)), Seal(session, Boundary.Secrets, 0, time.AddMinutes(4)), End(session, stored == 7 ? 1 : 0, time.AddMinutes(4), command),
            .. said is { } count ? [Seal(session, Boundary.Egress, count, time.AddMinutes(4))] : Array.Empty<BoundaryEvent>(),
        ];
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<string, string> Detail(string name, int value) =>
        System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>A connection that waits for an answer.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> AskAsync(string host, double minutes = 9, string? session = null)
    {
        var id = Guid.CreateVersion7().ToString("D");
        using var asked = await Client.PostAsync("/asks", new StringContent(JsonSerializer.Serialize(new
        {
            id,
            session = session ?? Session,
            gate = "egress",
            subject = host + ":443",
            host,
            port = 443,
            rule = "egress.otherwise",
            expires = TimeProvider.System.GetUtcNow().AddMinutes(minutes),
        }), Encoding.UTF8, "application/json"));
        Assert.True(asked.IsSuccessStatusCode, await asked.Content.ReadAsStringAsync());
        return id;
    }

    public async Task StoreAsync(IEnumerable<BoundaryEvent> events)
    {
        foreach (var batch in events.Chunk(1_000))
            await StoreBatchAsync(batch);
    }

    /// <summary>In no order.</summary>
    public Task StoreAtOnceAsync(IEnumerable<BoundaryEvent> events) =>
        Parallel.ForEachAsync(events.Chunk(1_000), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (batch, _) => await StoreBatchAsync(batch));

    private async Task StoreBatchAsync(BoundaryEvent[] batch)
    {
        using var content = new StringContent(Sample.Lines(batch), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        using var response = await Client.PostAsync("/events", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>Another test, the same sink.</summary>
    public void Forget()
    {
        File.Delete(_folder.File("calls"));
        SetChanges(
            [Change("settings.ini", "modified", 41, 14), Change("notes.txt", "added", 1_024), Change("src", "added", 0, type: "folder")],
            "M /workspace/settings.ini  41 B\nmodified settings.ini\n--- a/settings.ini\n+++ b/settings.ini\n@@ -1 +1 @@\n-colour = blue\n+colour = <script>alert(1)</script>\n");
    }

    /// <summary>What the stand-in says is changed, and how.</summary>
    public void SetChanges(IEnumerable<string> list, string diff)
    {
        _folder.Write("list", string.Concat(list.Select(line => line + "\n")));
        _folder.Write("diff", diff);
    }

    /// <summary>The stand-in takes four seconds from now on.</summary>
    public void Slow() => _folder.Write("slow", "");

    /// <summary>A line of <c>gatehouse changes --json</c>.</summary>
    public static string Change(string path, string kind, long size, long oldSize = 0, string type = "file") =>
        JsonSerializer.Serialize(new { workspace = "/workspace", path, kind, type, size, oldSize, mode = "644" });

    /// <summary>What somebody with the database's file could do.</summary>
    public async Task ChangeAsync(string sql)
    {
        using var process = Process.Start(new ProcessStartInfo("python3", ["-c", "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])", _folder.File("log/events.db"), sql]))!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>The address of a page that signs one browser in.</summary>
    public async Task<Uri> LinkAsync()
    {
        using var response = await Client.PostAsync("/console/links", null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var link = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return new(Url, link.RootElement.GetProperty("path").GetString());
    }

    public async ValueTask DisposeAsync()
    {
        if (_sink is not null)
        {
            _sink.Kill(entireProcessTree: true);
            await _sink.WaitForExitAsync();
            _sink.Dispose();
        }

        Client.Dispose();
        _folder.Dispose();
    }

    private async Task StartSinkAsync(string program, string[] settings)
    {
        _folder.Write("gatehouse", $$"""
            #!/bin/bash
            echo "$*" >>{{_folder.File("calls")}}
            case $1 in
            changes) [ -e {{_folder.File("slow")}} ] && sleep 4; case "$*" in *--json) cat {{_folder.File("list")}} ;; *) cat {{_folder.File("diff")}} ;; esac ;;
            apply) [ -e {{_folder.File("slow")}} ] && sleep 4; echo '1 applied.' ;;
            *) echo "cannot $1" >&2; exit 77 ;;
            esac
            """);
        Forget();
        File.SetUnixFileMode(_folder.File("gatehouse"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo("dotnet",
        [
            program, "--urls=http://127.0.0.1:0", $"--Gatehouse:Token={Token}", $"--LogSink:Database={_folder.File("log/events.db")}", $"--LogSink:AddressFile={_folder.File("log-sink.json")}", .. settings,
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        start.Environment["GATEHOUSE_COMMAND"] = _folder.File("gatehouse");
        start.Environment["HOME"] = Directory.CreateDirectory(Home).FullName;
        start.Environment["GATEHOUSE_RUN"] = _folder.File("run");
        start.Environment["GATEHOUSE_STATE"] = _folder.File("state");
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        _sink = Process.Start(start)!;
        var output = Task.WhenAll(_sink.StandardOutput.ReadToEndAsync(), _sink.StandardError.ReadToEndAsync());
        for (var i = 0; !File.Exists(_folder.File("log-sink.json")); i++)
        {
            if (_sink.HasExited || i > 600)
                Assert.Fail("the log sink did not start: " + string.Concat(await output));
            await Task.Delay(50);
        }

        using var address = JsonDocument.Parse(await File.ReadAllTextAsync(_folder.File("log-sink.json")));
        Client.BaseAddress = new(address.RootElement.GetProperty("url").GetString()!);
        Client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
    }
}
