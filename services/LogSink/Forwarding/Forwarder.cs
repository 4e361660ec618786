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

    /// <summary>
    /// Records refused alone, one behind the other, before the receiver itself is held to be at fault: a port that speaks another protocol, a proxy, a
    /// broken account refuse every record alike. Twice as many with each further try, so that a run of bad records has an end.
    /// </summary>
    private const int MostRefused = 3;

    private const int MostRefusedDoublings = 5;

    /// <summary>What was refused behind the cursor, until the receiver takes something: only then was it about these records.</summary>
    private readonly List<(EventRow Row, string? Problem)> _refused = [];

    private int _failures;

    /// <summary>How far the record was read: beyond the cursor while something refused is undecided.</summary>
    private long _read;

    private long _damagedThrough;

    public string Name => name;

    /// <summary>Records that wait.</summary>
    public long Lag => Math.Max(0, store.Head.Sequence - cursor.Sequence);

    /// <summary>The last record that the receiver has; 0 while that is not known yet.</summary>
    public long SentThrough => cursor.Sequence;

    /// <summary>Why the last try failed, or null.</summary>
    public string? Problem { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var isPlaced = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            var changed = store.Changed.Next;
            try
            {
                if (!isPlaced)
                    Place();
                isPlaced = true;
                if (!await SendNextAsync(cancellationToken))
                    await changed.WaitAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // The disk, the database, a cursor that can not be read: the loop lives on, and says so.
                await StartOverAsync(e.Message, cancellationToken);
            }
        }
    }

    private void Place()
    {
        // A database that was put back from a copy is shorter than what was sent of it.
        if (!cursor.TryRead() || cursor.Sequence > store.Head.Sequence)
            cursor.Write(Math.Min(cursor.Sequence, store.Head.Sequence));
        _read = cursor.Sequence;
    }

    /// <returns>False when there was nothing to send.</returns>
    private async Task<bool> SendNextAsync(CancellationToken cancellationToken)
    {
        var head = store.Head.Sequence;
        if (head <= _read)
        {
            if (_refused.Count > 0)
                await StartOverAsync(Undecided(), cancellationToken);
            return _read < store.Head.Sequence;
        }

        var page = RecordPage.Read(store.Database, _read, head, options.BatchRecords);
        if (page.Damaged > 0 && page.Through > _damagedThrough)
        {
            metrics.Dropped(name, page.Damaged);
            Log.Damaged(log, name, page.Damaged, page.Through);
            _damagedThrough = page.Through;
        }

        for (var done = 0; done < page.Rows.Count;)
        {
            done += await SendSomeAsync(page.Rows, done, cancellationToken);
            if (_refused.Count < MostRefused << Math.Min(_failures, MostRefusedDoublings))
                continue;
            await StartOverAsync(Undecided(), cancellationToken);
            return true;
        }

        _read = page.Through;
        if (_refused.Count == 0 && _read > cursor.Sequence)
            cursor.Write(_read);
        return true;
    }

    /// <summary>Sends as many as fit; halves a batch that is refused until the one that is wrong stands alone, and leaves that undecided.</summary>
    /// <returns>How many records are taken or refused.</returns>
    private async Task<int> SendSomeAsync(List<EventRow> rows, int from, CancellationToken cancellationToken)
    {
        // Behind one that was refused the next alone shows soonest whether it was about that one.
        var most = _refused.Count > 0 ? 1 : rows.Count - from;
        while (true)
        {
            var count = Fill(rows, from, most);
            var outcome = await target.SendAsync(cancellationToken);
            switch (outcome.Status)
            {
                case ForwardStatus.Rejected or ForwardStatus.TooLarge when count > 1:
                    most = count / 2;
                    break;
                case ForwardStatus.Rejected:
                    _refused.Add((rows[from], outcome.Problem));
                    return 1;
                case ForwardStatus.Accepted:
                    await OfferRefusedAsync(cancellationToken);
                    Taken(outcome, rows[from].Sequence, rows[from + count - 1].Sequence, count);
                    return count;
                default:
                    await FailedAsync(outcome, cancellationToken);
                    break;
            }
        }
    }

    /// <summary>
    /// Offers once more what was refused before the receiver took something: it may have been put right meanwhile, and what it was wrong about with everything
    /// is no fault of these. Only what it refuses now as well stays refused.
    /// </summary>
    private async Task OfferRefusedAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < _refused.Count;)
        {
            target.Clear();
            target.Add(_refused[i].Row);
            var outcome = await target.SendAsync(cancellationToken);
            switch (outcome.Status)
            {
                case ForwardStatus.Accepted when outcome.Dropped == 0:
                    metrics.Sent(name, 1);
                    _refused.RemoveAt(i);
                    break;
                case ForwardStatus.Accepted or ForwardStatus.Rejected:
                    _refused[i] = (_refused[i].Row, outcome.Problem);
                    i++;
                    break;
                default:
                    await FailedAsync(outcome, cancellationToken);
                    break;
            }
        }
    }

    private void Taken(ForwardOutcome outcome, long first, long last, int count)
    {
        cursor.Write(last);
        foreach (var (row, problem) in _refused)
            Log.Dropped(log, name, 1, row.Sequence, row.Sequence, problem ?? "");
        var dropped = Math.Min(outcome.Dropped, count);
        if (dropped > 0 || outcome.Problem is not null)
            Log.Dropped(log, name, dropped, first, last, outcome.Problem ?? "");
        metrics.Sent(name, count - dropped);
        metrics.Dropped(name, dropped + _refused.Count);
        _refused.Clear();
        if (_failures > 0)
            Log.Recovered(log, name);
        (_failures, Problem) = (0, null);
    }

    private string Undecided() => $"it refuses record after record and has taken none since: {_refused[^1].Problem}";

    /// <summary>Waits, and then begins behind the cursor again.</summary>
    private async Task StartOverAsync(string problem, CancellationToken cancellationToken)
    {
        _refused.Clear();
        _read = cursor.Sequence;
        await FailedAsync(ForwardOutcome.Retry(problem), cancellationToken);
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
