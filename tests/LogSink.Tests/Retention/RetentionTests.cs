using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Export;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy.Events;
using Gatehouse.Record.Export;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.LogSink.Tests.Retention;

/// <summary>What is removed, by whose word, and what is kept whatever the settings say.</summary>
public sealed class RetentionTests
{
    private static readonly TimeSpan s_settled = TimeSpan.FromMinutes(11);

    private static Task<RunningSink> StartAsync(TimeProvider time, params string[] more) =>
        RunningSink.StartAsync(time, ["--LogSink:CheckpointRecords=10", .. more]);

    /// <summary>Lets the writer look: it does so whenever something was stored.</summary>
    private static async Task PassAsync(RunningSink sink, FakeTimeProvider time, TimeSpan by)
    {
        time.Advance(by);
        await LookAsync(sink);
    }

    private static async Task LookAsync(RunningSink sink)
    {
        // One thread writes and removes: what the first of these let it do is done when the second is stored.
        for (var i = 0; i < 3; i++)
            await sink.StoreAsync(Sample.Event("later"));
    }

    private static async Task<(bool Ok, long Records, long Removed, string? Problem)> VerifyAsync(RunningSink sink)
    {
        using var answer = JsonDocument.Parse(await sink.Client.GetStringAsync("/verify"));
        var result = answer.RootElement;
        return (result.GetProperty("ok").GetBoolean(), result.GetProperty("records").GetInt64(),
            result.TryGetProperty("removed", out var removed) ? removed.GetInt64() : 0, result.TryGetProperty("problem", out var problem) ? problem.GetString() : null);
    }

    private static async Task<RunningSink> RemovedAsync(FakeTimeProvider time, params string[] more)
    {
        var sink = await StartAsync(time, ["--LogSink:Retention:Days=30", .. more]);
        await sink.StoreAsync(Sample.Many(20, "old"));
        await PassAsync(sink, time, s_settled);
        await PassAsync(sink, time, TimeSpan.FromDays(31));
        return sink;
    }

    [Fact]
    public async Task Record_OlderThanDays_IsRemovedAndTheRestVerifies()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await RemovedAsync(time);

        var (ok, records, removed, problem) = await VerifyAsync(sink);

        Assert.True(ok, problem);
        Assert.True(removed >= 20, $"{removed}");
        Assert.Equal(removed + 1, (await sink.GetLinesAsync("/events?order=asc&limit=1000"))[0].GetProperty("sequence").GetInt64());
        Assert.Equal(records, (await sink.GetLinesAsync("/events?limit=1000")).Count);
        Assert.DoesNotContain(await sink.GetLinesAsync("/sessions"), session => session.GetProperty("session").GetString() == "old");
        // What comes after, and another start, go on as before.
        await sink.StopAsync();
        await sink.StartAgainAsync();
        await sink.StoreAsync(Sample.Many(15));
        Assert.True((await VerifyAsync(sink)).Ok);
    }

    [Fact]
    public async Task Retention_NotConfigured_RemovesNothing()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time);
        await sink.StoreAsync(Sample.Many(20));
        await PassAsync(sink, time, s_settled);
        await PassAsync(sink, time, TimeSpan.FromDays(4000));

        Assert.Equal((true, 0), ((await VerifyAsync(sink)).Ok, (int)(await VerifyAsync(sink)).Removed));
    }

    [Theory]
    [InlineData("DELETE FROM segments")]
    [InlineData("UPDATE segments SET last = last + 1; DELETE FROM events WHERE sequence = (SELECT min(sequence) FROM events)")]
    [InlineData("UPDATE segments SET last = last + 1, hash = (SELECT hash FROM events ORDER BY sequence LIMIT 1); DELETE FROM events WHERE sequence = (SELECT min(sequence) FROM events)")]
    [InlineData("UPDATE segments SET signature = randomblob(64)")]
    [InlineData("UPDATE segments SET hash = x''")]
    [InlineData("UPDATE segments SET time = time - 1")]
    [InlineData("DELETE FROM events WHERE sequence = (SELECT min(sequence) FROM events)")]
    public async Task Segment_Forged_ShowsAsMissing(string sql)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await RemovedAsync(time);
        sink.Edit(sql);

        var (ok, _, _, problem) = await VerifyAsync(sink);

        Assert.False(ok);
        Assert.StartsWith("missing", problem, StringComparison.Ordinal);
        // Nor does the sink sign what begins where somebody else says.
        using var export = new ExportVerification(null);
        Assert.Contains(
            (await sink.Client.GetStringAsync("/export")).Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => export.Add(Encoding.UTF8.GetBytes(line)) is { } said && said.Contains("missing", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Archive_HasWhatWasRemoved_AndVerifies()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var folder = Directory.CreateTempSubdirectory("archive-").FullName;
        try
        {
            await using var sink = await RemovedAsync(time, $"--LogSink:Retention:Archive={folder}");
            var removed = (await VerifyAsync(sink)).Removed;
            var records = 0L;
            foreach (var file in Directory.GetFiles(folder))
            {
                Assert.EndsWith(".ndjson", file, StringComparison.Ordinal);
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
                using var verification = new ExportVerification(Convert.FromBase64String(File.ReadAllText(sink.Database + ".pub").Trim()));
                foreach (var line in await File.ReadAllLinesAsync(file))
                    Assert.Null(verification.Add(Encoding.UTF8.GetBytes(line)));
                Assert.Null(verification.Complete());
                records += verification.Records;
            }

            Assert.Equal(removed, records);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Archive_ThatCanNotBeWritten_KeepsTheRecords()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        // A file's name is no folder's.
        await using var sink = await RemovedAsync(time, $"--LogSink:Retention:Archive={typeof(RetentionTests).Assembly.Location}");

        var (ok, _, removed, _) = await VerifyAsync(sink);
        Assert.Equal((true, 0L), (ok, removed));
        Assert.Contains("Degraded", await sink.Client.GetStringAsync("/health"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Record_TamperedWith_IsNotRemovedUnderASignature()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time, "--LogSink:Retention:Days=30");
        await sink.StoreAsync(Sample.Many(20, "old"));
        sink.Edit("UPDATE events SET subject = 'x' WHERE sequence = 5");
        await PassAsync(sink, time, s_settled);
        await PassAsync(sink, time, TimeSpan.FromDays(31));

        var (ok, _, removed, problem) = await VerifyAsync(sink);
        Assert.Equal((false, 0L, "changed: its hash does not match"), (ok, removed, problem));
    }

    [Fact]
    public async Task Clock_ThatIsSet_RemovesNothingAtOnce()
    {
        var clock = new SettableClock();
        await using var sink = await StartAsync(clock, "--LogSink:Retention:Days=30");
        await sink.StoreAsync(Sample.Many(20, "old"));
        await RunAsync(s_settled);
        clock.Set(TimeSpan.FromDays(25_000));
        await RunAsync(TimeSpan.FromMinutes(2));
        await RunAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(0, (await VerifyAsync(sink)).Removed);

        // Set right in time, it is as if nothing had been.
        clock.Set(TimeSpan.FromDays(-25_000));
        await RunAsync(TimeSpan.FromMinutes(2));
        await RunAsync(TimeSpan.FromMinutes(20));
        Assert.Equal((true, 0L), ((await VerifyAsync(sink)).Ok, (await VerifyAsync(sink)).Removed));

        // A clock that stays where it was set is believed in the end.
        clock.Set(TimeSpan.FromDays(40));
        await RunAsync(TimeSpan.FromMinutes(2));
        await RunAsync(TimeSpan.FromMinutes(20));
        Assert.True((await VerifyAsync(sink)).Removed >= 20);

        async Task RunAsync(TimeSpan by)
        {
            clock.Run(by);
            await LookAsync(sink);
        }
    }

    private sealed class SettableClock : TimeProvider
    {
        private long _ran = 1;
        private TimeSpan _set;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Run(TimeSpan by) => Interlocked.Add(ref _ran, by.Ticks);

        public void Set(TimeSpan by) => _set += by;

        public override long GetTimestamp() => Interlocked.Read(ref _ran);

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero).AddTicks(Interlocked.Read(ref _ran)) + _set;
    }

    [Fact]
    public async Task Receiver_ThatHasNotTakenIt_KeepsTheRecord()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        // Nobody listens there.
        await using var sink = await RemovedAsync(time, "--LogSink:Forward:gone:Url=http://127.0.0.1:9/v1/logs");

        var (ok, _, removed, _) = await VerifyAsync(sink);
        Assert.Equal((true, 0L), (ok, removed));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-protobuf")]
    public async Task Receiver_ThatRefusesEverything_KeepsTheRecord(string type)
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = (context, _) =>
        {
            (context.Response.StatusCode, context.Response.ContentType) = (400, type);
            return Task.FromResult(true);
        };
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time, "--LogSink:Retention:Days=30", $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(20, "old"));
        await TestKit.Eventually.TrueAsync(async () => (await sink.HealthAsync()).Contains("not taken by: a", StringComparison.Ordinal));
        await PassAsync(sink, time, s_settled);
        await PassAsync(sink, time, TimeSpan.FromDays(31));

        Assert.Equal(0, (await VerifyAsync(sink)).Removed);
        Assert.Contains("not yet taken by a receiver", await sink.HealthAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_WhoseRecordsAreRemovedMeanwhile_SaysSo()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time, "--LogSink:Retention:Days=30");
        await sink.StoreAsync(Sample.Many(20, "old"));
        await PassAsync(sink, time, s_settled);
        var store = sink.Services.GetRequiredService<EventStore>();
        using var walk = new ExportWalk(store, ExportRange.Find(store, null)!);
        Assert.Equal(5, walk.Next(5).Count);

        await PassAsync(sink, time, TimeSpan.FromDays(31));

        _ = walk.Next(1_000);
        Assert.StartsWith("removed: the records through 2", walk.Problem, StringComparison.Ordinal);
        // By a forged segment it would be somebody else.
        using var another = new ExportWalk(store, ExportRange.Find(store, null)!);
        _ = another.Next(1);
        sink.Edit("UPDATE segments SET last = 1000000; DELETE FROM events");
        _ = another.Next(1_000);
        Assert.StartsWith("missing", another.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_ThatIsAliveAndIdle_IsCompleteWhenItEnds()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time, "--LogSink:Retention:Days=30");
        BoundaryEvent Sandbox(string session, string action) => Sample.Event(session, "claude") with { Gate = Boundary.Sandbox, Action = action, Time = time.GetUtcNow() };
        await sink.StoreAsync([Sandbox("alive", "session.start"), .. Sample.Many(3, "alive"), Sandbox("done", "session.start"), Sandbox("done", "session.end"), .. Sample.Many(20, "old")]);
        await PassAsync(sink, time, s_settled);
        await PassAsync(sink, time, TimeSpan.FromDays(31));
        Assert.True((await VerifyAsync(sink)).Removed >= 26);
        Assert.Equal(["alive", "later"], (await sink.GetLinesAsync("/sessions")).Select(session => session.GetProperty("session").GetString()!).Order(StringComparer.Ordinal));

        await sink.StoreAsync(
            Sample.Event("alive", "3 events") with { Action = "seal", Detail = ImmutableSortedDictionary<string, string>.Empty.Add("records", "3") }, Sandbox("alive", "session.end"));

        Assert.DoesNotContain("incomplete", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
        // It has ended: now it goes as others do.
        for (var i = 0; i < 4; i++)
            await LookAsync(sink);
        await PassAsync(sink, time, TimeSpan.FromDays(31));
        await PassAsync(sink, time, TimeSpan.FromMinutes(2));
        Assert.DoesNotContain(await sink.GetLinesAsync("/sessions"), session => session.GetProperty("session").GetString() == "alive");
    }

    [Fact]
    public async Task Size_Exceeded_RemovesTheOldestButNoneThatIsYoung()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await StartAsync(time, "--LogSink:Retention:Megabytes=16", "--LogSink:CheckpointRecords=1000");
        var large = new string('x', 2000);
        for (var i = 0; i < 16; i++)
            await sink.StoreAsync(Enumerable.Range(0, 1000).Select(_ => Sample.Event("large", large)));
        await PassAsync(sink, time, s_settled);
        Assert.Equal(0, (await VerifyAsync(sink)).Removed);

        await PassAsync(sink, time, TimeSpan.FromDays(8));

        var (ok, records, removed, problem) = await VerifyAsync(sink);
        Assert.True(ok, problem);
        Assert.InRange(removed, 1, 16_000);
        Assert.True(records > 0);
        // The room is the disk's again.
        await sink.StopAsync();
        Assert.InRange(new FileInfo(sink.Database).Length, 1, 40 << 20);
    }

    [Theory]
    [InlineData("--LogSink:Retention:Days=-1", "Days")]
    [InlineData("--LogSink:Retention:Megabytes=3", "Megabytes")]
    [InlineData("--LogSink:Retention:Archive=here", "Archive")]
    public async Task Setting_ThatMakesNoSense_IsRefusedAtStart(string setting, string named)
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() => RunningSink.StartAsync(null, setting));
        Assert.Contains("LogSink:Retention:" + named, error.Message, StringComparison.Ordinal);
    }
}
