using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.Record;
using Microsoft.Data.Sqlite;

namespace Gatehouse.Benchmarks;

/// <summary>
/// The log sink as a process of its own, under load over HTTP: durable events a second beside plain <c>INSERT</c> loops into the same columns; then queries,
/// verification and an export of the record that came of it.
/// </summary>
internal static class RecordLoad
{
    private const int Batch = 1_000;
    private const int Sessions = 50;

    public static async Task<int> RunAsync(int events)
    {
        var folder = Directory.CreateTempSubdirectory("record-load-").FullName;
        try
        {
            Console.WriteLine($"{events} events, batches of {Batch}");
            var batches = Enumerable.Range(0, events / Batch).Select(Lines).ToList();
            await using (var sink = await Sink.StartAsync(folder))
            {
                await IngestAsync(sink, batches, clients: 1, "log sink, one sender");
            }

            Directory.Delete(Path.Combine(folder, "log"), recursive: true);
            await using (var sink = await Sink.StartAsync(folder))
            {
                await IngestAsync(sink, batches, clients: 4, "log sink, four senders");
                await QueriesAsync(sink.Client);
                await TimeAsync("verify the chain", () => sink.Client.GetStringAsync("/verify"));
                await TimeAsync("export and sign everything", () => sink.Client.GetAsync("/export"));
                await TimeAsync("export one session", () => sink.Client.GetAsync("/export?session=s7"));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"database {new FileInfo(Path.Combine(folder, "log/events.db")).Length / 1048576} MiB, sink {Rss(sink.Process)} MiB"));
            }

            Insert(folder, Math.Min(events, 2_000), 1, "plain INSERT, a commit each");
            Insert(folder, events, Batch, $"plain INSERT, a commit for {Batch}, no index but the id's, no chain");
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task IngestAsync(Sink sink, List<byte[]> batches, int clients, string name)
    {
        var next = -1;
        var before = Cpu(sink.Process);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < batches.Count)
            {
                using var content = new ByteArrayContent(batches[i]);
                content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
                using var response = await sink.Client.PostAsync("/events", content);
                response.EnsureSuccessStatusCode();
            }
        })));
        var took = Stopwatch.GetElapsedTime(start);
        Rate(name, batches.Count * Batch, took, Cpu(sink.Process) - before);
    }

    private static async Task QueriesAsync(HttpClient client)
    {
        string[] queries =
        [
            "", "&session=s7", "&gate=secrets", "&verdict=denied", "&session=s7&verdict=denied", "&session=s7&gate=egress&verdict=denied", "&name=host77.example", "&session=s7&name=host77.example",
        ];
        foreach (var query in queries)
        {
            var times = new List<double>();
            var lines = 0;
            for (var i = 0; i < 60; i++)
            {
                var start = Stopwatch.GetTimestamp();
                var answer = await client.GetStringAsync("/events?limit=100" + query);
                if (i >= 10)
                    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                lines = answer.Count(c => c == '\n');
            }

            times.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"newest 100{query,-45} {lines,4} records  median {times[times.Count / 2],6:0.0} ms   95 % {times[times.Count * 95 / 100],6:0.0} ms"));
        }
    }

    private static void Insert(string folder, int events, int perCommit, string name)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, $"plain{perCommit}.db")};Pooling=False");
        connection.Open();
        EventDatabase.Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (id BLOB NOT NULL UNIQUE, time INTEGER, session TEXT, gate TEXT, action TEXT, subject TEXT, verdict TEXT, rule TEXT, reason TEXT, bytes_sent INTEGER, bytes_received INTEGER, duration_ms REAL, trace_id TEXT, attempt BLOB, detail TEXT)");
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO events VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        for (var i = 0; i < 15; i++)
            command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
        var rows = Enumerable.Range(0, events).Select(i => EventRow.From(Event(i))).ToList();
        using var self = Process.GetCurrentProcess();
        var before = Cpu(self);
        var start = Stopwatch.GetTimestamp();
        for (var at = 0; at < events; at += perCommit)
        {
            using var transaction = connection.BeginTransaction();
            command.Transaction = transaction;
            for (var i = at; i < Math.Min(events, at + perCommit); i++)
            {
                var row = rows[i];
                object?[] values =
                [
                    row.Id.ToByteArray(bigEndian: true), row.Ticks, row.Session, row.Gate, row.Action, row.Subject, row.Verdict, row.Rule, row.Reason, row.BytesSent, row.BytesReceived, row.DurationMs,
                    row.TraceId, row.Attempt?.ToByteArray(), row.Detail,
                ];
                for (var value = 0; value < values.Length; value++)
                    command.Parameters[value].Value = values[value] ?? DBNull.Value;
                command.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        Rate(name, events, Stopwatch.GetElapsedTime(start), Cpu(self) - before);
    }

    public static byte[] Lines(int batch)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < Batch; i++)
            lines.Append(JsonSerializer.Serialize(Event((batch * Batch) + i), EventJson.Default.BoundaryEvent)).Append('\n');
        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    private static BoundaryEvent Event(int i) => new()
    {
        Id = Guid.CreateVersion7(),
        Time = TimeProvider.System.GetUtcNow(),
        Session = $"s{i / 200 % Sessions}",
        Gate = (i % 100) switch { 0 => Boundary.Secrets, < 50 => Boundary.Dns, _ => Boundary.Egress },
        Action = i % 100 < 50 ? "query" : "connect",
        Subject = $"host{i % 5000}.example.com:443",
        Verdict = i % 40 == 0 ? VerdictKind.Denied : VerdictKind.Allowed,
        Rule = "egress.allow[2]",
        TraceId = "0af7651916cd43dd8448eb211c80319c",
    };

    private static async Task TimeAsync<T>(string name, Func<Task<T>> run)
    {
        var start = Stopwatch.GetTimestamp();
        var result = await run();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-60} {Stopwatch.GetElapsedTime(start).TotalSeconds,8:0.00} s   {(result is string text ? text : "")}"));
    }

    private static void Rate(string name, int events, TimeSpan time, TimeSpan cpu) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-70} {events / time.TotalSeconds,10:0} events/s {cpu.TotalMicroseconds / events,8:0.0} µs of a processor for one"));

    private static TimeSpan Cpu(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    private static long Rss(Process process)
    {
        process.Refresh();
        return process.WorkingSet64 / 1048576;
    }

    /// <summary>The program as it ships.</summary>
    private sealed class Sink(Process process, HttpClient client) : IAsyncDisposable
    {
        public Process Process => process;

        public HttpClient Client => client;

        public static async Task<Sink> StartAsync(string folder)
        {
            var address = Path.Combine(folder, "log-sink.json");
            File.Delete(address);
            var program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../LogSink/release/Gatehouse.LogSink.dll"));
            var process = Process.Start(new ProcessStartInfo("dotnet",
            [
                program, "--urls=http://127.0.0.1:0", "--Gatehouse:Token=0123456789abcdef", $"--LogSink:Database={Path.Combine(folder, "log", "events.db")}", $"--LogSink:AddressFile={address}",
                "--Logging:LogLevel:Default=Warning",
            ])
            { RedirectStandardOutput = true })!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            for (var i = 0; i < 200 && !File.Exists(address); i++)
                await Task.Delay(50);
            using var found = JsonDocument.Parse(await File.ReadAllTextAsync(address));
            var client = new HttpClient { BaseAddress = new(found.RootElement.GetProperty("url").GetString()!), Timeout = TimeSpan.FromMinutes(5) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", "0123456789abcdef");
            return new(process, client);
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
