using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>
/// Sends the record on to one receiver, in order and at least once. It reads what is stored, so that a receiver that is slow or gone costs ingest nothing,
/// and its cursor moves only when the receiver has a batch.
/// </summary>
internal sealed partial class Forwarder(
    string name, ForwardOptions options, IForwardTarget target, EventStore store, ForwardCursor cursor, ForwardMetrics metrics, TimeProvider time, ILogger<Forwarder> log)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);

    /// <summary>A receiver that is back is found within a minute.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    /// <summary>A receiver that asks for more is not believed.</summary>
    private static readonly TimeSpan s_mostAsked = TimeSpan.FromMinutes(10);

    private int _failures;

    public string Name => name;

    /// <summary>Records that wait.</summary>
    public long Lag => Math.Max(0, store.Head.Sequence - cursor.Sequence);

    /// <summary>The last record that the receiver has; 0 while that is not known yet.</summary>
    public long SentThrough => cursor.Sequence;

    /// <summary>Why the last try failed, or null.</summary>
    public string? Problem { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // A database that was put back from a copy is shorter than what was sent of it.
        if (!cursor.TryRead() || cursor.Sequence > store.Head.Sequence)
            cursor.Write(Math.Min(cursor.Sequence, store.Head.Sequence));
        while (!cancellationToken.IsCancellationRequested)
        {
            var changed = store.Changed.Next;
            try
            {
                if (!await SendNextAsync(cancellationToken))
                    await changed.WaitAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The disk, the database: the loop lives on.
                await FailedAsync(ForwardOutcome.Retry(e.Message), cancellationToken);
            }
        }
    }

    /// <returns>False when there was nothing to send.</returns>
    private async Task<bool> SendNextAsync(CancellationToken cancellationToken)
    {
        var head = store.Head.Sequence;
        if (head <= cursor.Sequence)
            return false;
        var page = RecordPage.Read(store.Database, cursor.Sequence, head, options.BatchRecords);
        if (page.Damaged > 0)
        {
            metrics.Dropped(name, page.Damaged);
            Log.Damaged(log, name, page.Damaged, page.Through);
        }

        for (var sent = 0; sent < page.Rows.Count;)
            sent += await SendSomeAsync(page.Rows, sent, page.Rows.Count - sent, cancellationToken);
        if (page.Through > cursor.Sequence)
            cursor.Write(page.Through);
        return true;
    }

    /// <summary>Sends as many as fit; halves a batch that is refused until the one that is wrong stands alone, and passes over it.</summary>
    /// <returns>How many records are done with.</returns>
    private async Task<int> SendSomeAsync(List<EventRow> rows, int from, int most, CancellationToken cancellationToken)
    {
        while (true)
        {
            var count = Fill(rows, from, most);
            var outcome = await target.SendAsync(cancellationToken);
            if (outcome.Status == ForwardStatus.Retry)
            {
                await FailedAsync(outcome, cancellationToken);
                continue;
            }

            if (outcome.Status == ForwardStatus.Rejected && count > 1)
            {
                most = count / 2;
                continue;
            }

            var dropped = outcome.Status == ForwardStatus.Rejected ? 1 : Math.Min(outcome.Dropped, count);
            if (dropped > 0 || outcome.Problem is not null)
                Log.Dropped(log, name, dropped, rows[from].Sequence, rows[from + count - 1].Sequence, outcome.Problem ?? "");
            cursor.Write(rows[from + count - 1].Sequence);
            metrics.Sent(name, count - dropped);
            metrics.Dropped(name, dropped);
            if (_failures > 0)
                Log.Recovered(log, name);
            (_failures, Problem) = (0, null);
            return count;
        }
    }

    private int Fill(List<EventRow> rows, int from, int most)
    {
        target.Clear();
        var count = 0;
        while (count < most && target.Add(rows[from + count++]) < options.BatchBytes)
        {
            // Until it is full: by so much as one record, it may be too large.
        }

        return count;
    }

    private async Task FailedAsync(ForwardOutcome outcome, CancellationToken cancellationToken)
    {
        metrics.Failed(name);
        Problem = outcome.Problem;
        if (_failures++ == 0)
            Log.Failed(log, name, outcome.Problem ?? "");
        await Task.Delay(Wait(_failures, outcome.After, Random.Shared.NextDouble()), time, cancellationToken);
    }

    /// <summary>Doubling, and up to half of it less, so that those whom one outage stopped do not come back as one.</summary>
    internal static TimeSpan Wait(int failures, TimeSpan? asked, double random)
    {
        var backoff = TimeSpan.FromTicks(Math.Min(s_longest.Ticks, s_first.Ticks << Math.Min(failures - 1, 10)));
        var wait = backoff * (1 - random / 2);
        return asked is { } least && least > wait ? TimeSpan.FromTicks(Math.Min(least.Ticks, s_mostAsked.Ticks)) : wait;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The record can not be sent on to '{Name}', it is tried again: {Problem}")]
        public static partial void Failed(ILogger log, string name, string problem);

        [LoggerMessage(2, LogLevel.Information, "'{Name}' takes the record again")]
        public static partial void Recovered(ILogger log, string name);

        [LoggerMessage(3, LogLevel.Error, "'{Name}' did not keep {Count} of the records {First} to {Last}: {Problem}")]
        public static partial void Dropped(ILogger log, string name, long count, long first, long last, string problem);

        [LoggerMessage(4, LogLevel.Error, "{Count} damaged records up to {Through} were not sent to '{Name}'. Run 'gatehouse log verify'")]
        public static partial void Damaged(ILogger log, string name, int count, long through);
    }
}
