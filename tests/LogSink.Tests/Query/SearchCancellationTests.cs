using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.LogSink.Tests.Query;

public sealed class SearchCancellationTests
{
    [Fact]
    public async Task Search_NobodyWaitsFor_EndsWithinAStepThatFindsNothing()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event());
        var database = sink.Services.GetRequiredService<EventStore>().Database;
        var filter = new EventFilter(null, null, null, null);
        // A record without end.
        sink.Edit("""
            ALTER TABLE events RENAME TO one;
            CREATE VIEW events AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                SELECT i AS sequence, id, time, session, gate, action, subject, verdict, rule, reason, bytes_sent, bytes_received, duration_ms, trace_id, attempt, detail, hash FROM n, one
            """);
        using var given = new CancellationTokenSource();
        var search = Task.Run(() => (filter with { Text = "nowhere" }).Read(database, 0, long.MaxValue, newestFirst: false, 10, given.Token), CancellationToken.None);
        await sink.Client.GetStringAsync("/health");
        Assert.False(search.IsCompleted);

        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => search.WaitAsync(TestKit.Eventually.Bound));
        // The connection serves others, whom nobody interrupts.
        sink.Edit("DROP VIEW events; ALTER TABLE one RENAME TO events");
        Assert.Single(filter.Read(database, 0, long.MaxValue, newestFirst: true, 10).Rows);
    }
}
