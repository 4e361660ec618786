using System.Collections.Concurrent;
using Gatehouse.LogSink.Ingest;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// The only writer. What arrives while one commit waits for the disk goes into the next one together. It has a thread of its own, because it
/// spends its life in fsync.
/// </summary>
internal sealed partial class EventWriter : IHostedService, IDisposable
{
    /// <summary>A request's most events.</summary>
    public const int MostPerBatch = 1_000;

    /// <summary>
    /// Events in one commit. Enough that the disk's wait is shared by many, few enough that a commit stays under a tenth of a second.
    /// </summary>
    public const int MostPerCommit = 5_000;

    private readonly EventStore _store;
    private readonly Retention _retention;
    private readonly SinkMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly BlockingCollection<EventBatch> _queue = new(boundedCapacity: EventIngest.MostAtOnce);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WriteConnection? _connection;

    // True once a commit failed in a way that leaves open whether it is on the disk.
    private bool _inDoubt;
    private int _disposed;
    private volatile string? _refusal;

    public EventWriter(EventStore store, Retention retention, SinkMetrics metrics, TimeProvider time, ILogger<EventWriter> log)
    {
        _retention = retention;
        _time = time;
        _store = store;
        _metrics = metrics;
        _log = log;
        _thread = new(Run) { IsBackground = true, Name = "log writer" };
    }

    /// <summary>Why the disk took nothing the last time, or null.</summary>
    public string? Refusal => _refusal;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_store.Found is { } problem)
            Log.RecordDamaged(_log, _store.Database.Path, problem);
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <summary>What was accepted is still written.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.CompleteAdding();
        await _ended.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Completes when the batch is on the disk, or can not be.</summary>
    public Task<BatchOutcome> StoreAsync(List<EventRow> rows)
    {
        var batch = new EventBatch(rows);
        try
        {
            // There is room: the queue takes as many as there are requests at a time.
            if (_queue.TryAdd(batch))
                return batch.Outcome;
        }
        catch (InvalidOperationException)
        {
            // The service is stopping.
        }

        return Task.FromResult(default(BatchOutcome));
    }

    private void Run()
    {
        // What was recorded before there were checkpoints, or before a crash.
        Sign(signer => signer.AddNow());
        while (!_queue.IsCompleted)
        {
            if (!_queue.TryTake(out var first, _store.Checkpoints.After))
            {
                Sign(signer => signer.AddIfLate());
                Retain();
                continue;
            }

            List<EventBatch> batches = [first];
            var events = first.Rows.Count;
            while (events <= MostPerCommit - MostPerBatch && _queue.TryTake(out var next))
            {
                batches.Add(next);
                events += next.Rows.Count;
            }

            var outcomes = Write(batches);
            for (var i = 0; i < batches.Count; i++)
                batches[i].Complete(outcomes is null ? default : outcomes[i]);
            Retain();
        }

        Sign(signer => signer.AddNow());
        _connection?.Dispose();
        _ended.TrySetResult();
    }

    /// <returns>One outcome a batch, or null when nothing could be stored.</returns>
    private List<BatchOutcome>? Write(List<EventBatch> batches)
    {
        var started = _metrics.Now();
        // The second try is for a database that somebody else wrote to: reopening takes notice of it.
        for (var tries = 2; tries > 0; tries--)
        {
            try
            {
                var outcomes = (_connection ??= Open()).Write(batches, ref _inDoubt);
                _metrics.Committed(outcomes, started);
                _refusal = null;
                return outcomes;
            }
            catch (Exception e)
            {
                _connection?.Dispose();
                _connection = null;
                if (e is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_CONSTRAINT } && tries > 1)
                    continue;
                // Whatever it is, the thread lives on: the disk may have room again, and the gates send again.
                Log.NotStored(_log, e);
                _refusal = e is SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_FULL } ? "the disk is full" : "the disk refused a commit";
                _metrics.Failed();
                return null;
            }
        }

        return null;
    }

    // Nobody waits for it: what could not be signed now is with the next.
    private void Sign(Action<CheckpointSigner> sign)
    {
        try
        {
            sign((_connection ??= Open()).Signer);
        }
        catch (Exception e)
        {
            _connection?.Dispose();
            _connection = null;
            Log.NotSigned(_log, e);
        }
    }

    private void Retain()
    {
        try
        {
            _retention.RunIfDue((_connection ??= Open()).Connection);
        }
        catch (Exception e)
        {
            _connection?.Dispose();
            _connection = null;
            _retention.Failed(e);
        }
    }

    private WriteConnection Open()
    {
        var connection = _store.Database.OpenWriter();
        try
        {
            if (_store.Recover(connection, _store.Head, _inDoubt ? MostPerCommit : 0) is { } problem)
                Log.RecordDamaged(_log, _store.Database.Path, problem);
            _inDoubt = false;
            return new(_store, connection, _time);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Twice does no harm: the host disposes of what it runs, and of what it holds.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _queue.CompleteAdding();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted) || _thread.Join(TimeSpan.FromSeconds(5)))
            _queue.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Events could not be stored, the gates were told to send them again")]
        public static partial void NotStored(ILogger log, Exception exception);

        [LoggerMessage(3, LogLevel.Error, "A checkpoint could not be written, the next one will cover what it would have")]
        public static partial void NotSigned(ILogger log, Exception exception);

        [LoggerMessage(2, LogLevel.Critical, "The record in {Database} was tampered with or damaged: {Problem}. Run 'gatehouse log verify'")]
        public static partial void RecordDamaged(ILogger log, string database, string problem);
    }
}
