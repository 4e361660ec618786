using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Chain;

/// <summary>Somebody with write access to the files, while the sink runs and while it does not.</summary>
public sealed class TamperingTests
{
    private static string Swap(int a, int b) =>
        $"UPDATE events SET sequence = -1 WHERE sequence = {a}; UPDATE events SET sequence = {a} WHERE sequence = {b}; UPDATE events SET sequence = {b} WHERE sequence = -1";

    // The contents change places, the sequence numbers and hashes stay.
    private const string SwapContents = """
        CREATE TABLE swapped AS SELECT * FROM events WHERE sequence IN (2, 5);
        UPDATE events SET id = randomblob(16) WHERE sequence IN (2, 5);
        UPDATE events SET (id, time, subject) = (SELECT id, time, subject FROM swapped WHERE sequence = 7 - events.sequence) WHERE sequence IN (2, 5)
        """;

    public static TheoryData<string, string> Edits() => new()
    {
        { "UPDATE events SET subject = 'other' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET verdict = 'denied' WHERE sequence = 1", "1 changed" },
        { "UPDATE events SET time = time + 1 WHERE sequence = 10", "10 changed" },
        { "UPDATE events SET rule = '' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET reason = 'x' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET bytes_sent = 1 WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET duration_ms = 0.5 WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET trace_id = '0' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET attempt = id WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET detail = '{}' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET detail = 'rubbish' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET id = randomblob(16) WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET id = randomblob(3) WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET session = 's2' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET action = 'query' || action, subject = '' WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET hash = randomblob(32) WHERE sequence = 4", "4 changed" },
        { "UPDATE events SET hash = x'' WHERE sequence = 4", "4 changed" },
        { "UPDATE chain SET genesis = randomblob(32)", "1 changed" },
        { "DELETE FROM chain", "1 changed" },
        { "DELETE FROM events WHERE sequence = 4", "4 missing: record 4" },
        { "DELETE FROM events WHERE sequence BETWEEN 4 AND 6", "4 missing: records 4 to 6" },
        { "DELETE FROM events WHERE sequence = 1", "1 missing: record 1" },
        { "DELETE FROM events WHERE sequence = 10", "10 truncated: missing: record 10" },
        { "DELETE FROM events WHERE sequence > 7", "8 truncated: missing: records 8 to 10" },
        { "DELETE FROM events", "1 truncated: missing: records 1 to 10" },
        { "DELETE FROM events WHERE sequence = 4; UPDATE events SET sequence = sequence - 1 WHERE sequence > 4", "4 changed" },
        { Swap(2, 5), "2 reordered: this is what was recorded as 5" },
        { Swap(4, 5), "4 reordered: this is what was recorded as 5" },
        { Swap(1, 10), "1 reordered: this is what was recorded as 10" },
        { SwapContents, "2 reordered: this is what was recorded as 5" },
        { "UPDATE events SET sequence = 0 WHERE sequence = 5", "0 added" },
        { "UPDATE events SET sequence = -5 WHERE sequence = 5", "-5 added" },
        { "INSERT INTO events SELECT 11, randomblob(16), time, session, gate, action, subject, verdict, rule, reason, 0, 0, 0, trace_id, attempt, detail, randomblob(32) FROM events WHERE sequence = 1", "11 added" },
        { "INSERT INTO events SELECT 20, randomblob(16), time, session, gate, action, subject, verdict, rule, reason, 0, 0, 0, trace_id, attempt, detail, hash FROM events WHERE sequence = 10", "11 missing: records 11 to 19" },
        { "DROP TABLE events", "1 changed: the database is damaged" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public async Task Verify_DatabaseEdited_NamesTheFirstBadRecord(string sql, string expected)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(10));
        Assert.Equal("ok 10", await sink.VerifyAsync());

        sink.Edit(sql);

        Assert.StartsWith(expected, await sink.VerifyAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE events SET subject = 'other' WHERE sequence = 4", "4 changed")]
    [InlineData("UPDATE events SET hash = randomblob(32) WHERE sequence = 10", "10 changed")]
    [InlineData("DELETE FROM events WHERE sequence = 4", "4 missing: record 4")]
    [InlineData("DELETE FROM events WHERE sequence > 7", "8 truncated: missing: records 8 to 10")]
    [InlineData("DELETE FROM events", "1 truncated: missing: records 1 to 10")]
    [InlineData("UPDATE events SET sequence = 11 WHERE sequence = 10", "10 missing: record 10")]
    [InlineData("INSERT INTO events SELECT 11, randomblob(16), time, session, gate, action, subject, verdict, rule, reason, 0, 0, 0, trace_id, attempt, detail, randomblob(32) FROM events WHERE sequence = 1", "11 changed")]
    public async Task Verify_DatabaseEditedWhileStopped_NamesItNowAndEverAfter(string sql, string expected)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(10));
        await sink.StopAsync();
        sink.Edit(sql);

        await sink.StartAgainAsync();
        Assert.StartsWith(expected, await sink.VerifyAsync(), StringComparison.Ordinal);

        // It goes on recording, and nothing of what comes later covers what happened.
        Assert.Equal((20, 0), await sink.StoreAsync(Sample.Many(20)));
        await sink.StopAsync();
        await sink.StartAgainAsync();
        await sink.StoreAsync(Sample.Many(20));
        Assert.StartsWith(expected.Replace("truncated: ", "", StringComparison.Ordinal), await sink.VerifyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_OlderCopyPutBack_IsARollback()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        File.Copy(sink.Database, sink.Folder + "/copy");
        await sink.StartAgainAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        File.Copy(sink.Folder + "/copy", sink.Database, overwrite: true);

        await sink.StartAgainAsync();

        Assert.Equal("6 truncated: missing: records 6 to 10", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Verify_AnotherSinksDatabasePutInItsPlace_IsChanged()
    {
        await using var sink = await RunningSink.StartAsync();
        await using var other = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        await other.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        await other.StopAsync();
        File.Copy(other.Database, sink.Database, overwrite: true);

        await sink.StartAgainAsync();

        Assert.StartsWith("5 changed", await sink.VerifyAsync(), StringComparison.Ordinal);
        await sink.StoreAsync(Sample.Many(5));
        Assert.StartsWith("5 changed", await sink.VerifyAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("rubbish")]
    [InlineData(null)]
    public async Task Verify_HeadFileGone_SaysThatRecordsMayBeMissing(string? content)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        File.Delete(sink.HeadFile);
        if (content is not null)
            await File.WriteAllTextAsync(sink.HeadFile, content);

        await sink.StartAgainAsync();

        Assert.Equal("6 truncated: missing: record 6", await sink.VerifyAsync());
        await sink.StoreAsync(Sample.Many(5));
        Assert.Equal("6 missing: record 6", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Verify_CrashBetweenCommitAndHeadFile_IsNoTampering()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        var before = await ReadHeadAsync(sink);
        await sink.StoreAsync(Sample.Many(1_000));
        await sink.StopAsync();
        await File.WriteAllBytesAsync(sink.HeadFile, before);

        await sink.StartAgainAsync();

        Assert.Equal("ok 1005", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Verify_CrashWhileTheHeadIsWritten_IsNoTampering()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        var lines = await File.ReadAllLinesAsync(sink.HeadFile);
        var newest = lines[0].StartsWith("00000000000000000010", StringComparison.Ordinal) ? 0 : 1;
        lines[newest] = string.Concat(lines[newest].AsSpan(0, 50), new string('\0', lines[newest].Length - 50));
        await File.WriteAllTextAsync(sink.HeadFile, string.Concat(lines.Select(line => line + "\n")));

        await sink.StartAgainAsync();

        Assert.Equal("ok 10", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Store_RowForgedInItsPlaceWhileRunning_GoesOnAndShowsIt()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(10));
        sink.Edit("INSERT INTO events SELECT 11, randomblob(16), time, session, gate, action, subject, verdict, rule, reason, 0, 0, 0, trace_id, attempt, detail, randomblob(32) FROM events WHERE sequence = 1");

        Assert.Equal((5, 0), await sink.StoreAsync(Sample.Many(5)));

        Assert.StartsWith("11 changed", await sink.VerifyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_WhileEventsArrive_IsNeverMistaken()
    {
        await using var sink = await RunningSink.StartAsync();
        var store = Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
                await sink.StoreAsync(Sample.Many(10));
        });

        while (!store.IsCompleted)
            Assert.StartsWith("ok ", await sink.VerifyAsync(), StringComparison.Ordinal);

        await store;
        Assert.Equal("ok 1000", await sink.VerifyAsync());
    }

    // While the sink runs it holds a lock on it.
    private static async Task<byte[]> ReadHeadAsync(RunningSink sink)
    {
        await sink.StopAsync();
        var head = await File.ReadAllBytesAsync(sink.HeadFile);
        await sink.StartAgainAsync();
        return head;
    }
}
