using System.Globalization;
using System.IO.Pipelines;
using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Export;
using Gatehouse.LogSink.Forwarding;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// Removes what is old or too much: whole runs of records that end with a checkpoint, each with a signed <see cref="Segment"/> in its place. It waits for
/// receivers that have not got them yet. Used by the writer's thread, a segment at a time, so that ingest does not wait for long.
/// </summary>
internal sealed partial class Retention(
    EventStore store, RecordExport export, ForwardingService forwarding, IOptions<LogSinkOptions> options, TimeProvider time, ILogger<Retention> log)
{
    /// <summary>Bounds the commit that removes them, and what ingest waits for it.</summary>
    private const int MostRecords = 20_000;

    /// <summary>Pages given back to the disk at a time: 64 MiB.</summary>
    private const int MostPages = 16_384;

    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A clock that was just set, at start or by a jump, is not believed at once: a wrong year would empty the record.
    /// </summary>
    private static readonly TimeSpan s_settle = TimeSpan.FromMinutes(10);

    /// <summary>A session whose launcher was killed never ends.</summary>
    private static readonly TimeSpan s_longestSession = TimeSpan.FromDays(366);

    private static readonly TimeSpan s_jump = TimeSpan.FromMinutes(5);

    private readonly RetentionOptions _options = options.Value.Retention;
    private long _started = time.GetTimestamp();
    private DateTimeOffset _clock = time.GetUtcNow();
    private long _looked = time.GetTimestamp();
    private bool _more;
    private bool _isHeld;

    /// <summary>Why records that are due stay, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>Removes a segment, when one is due.</summary>
    public void RunIfDue(SqliteConnection connection)
    {
        if (_options is { Days: 0, Megabytes: 0 } || (!_more && time.GetElapsedTime(_looked) < s_interval))
            return;
        _looked = time.GetTimestamp();
        _more = IsSettled() && TryRemove(connection);
    }

    private bool IsSettled()
    {
        var since = time.GetElapsedTime(_started);
        if ((time.GetUtcNow() - _clock - since).Duration() > s_jump)
        {
            Log.ClockJumped(log);
            (_started, _clock) = (time.GetTimestamp(), time.GetUtcNow());
            return false;
        }

        return since >= s_settle;
    }

    private bool TryRemove(SqliteConnection connection)
    {
        var floor = SegmentTable.Floor(connection);
        if (Due(connection, floor.Sequence) is not { } checkpoint)
        {
            Problem = null;
            return false;
        }

        if (forwarding.SentThrough < checkpoint.Sequence)
        {
            Problem = "records that are due to be removed were not yet taken by a receiver";
            if (!_isHeld)
                Log.Held(log, floor.Sequence + 1, checkpoint.Sequence);
            _isHeld = true;
            return false;
        }

        _isHeld = false;
        var first = floor.Sequence + 1;
        // It signs only what it found as it was.
        if ((_options.Archive is { } folder ? Archive(folder, new(first, checkpoint.Sequence)) : Verify(new(first, checkpoint.Sequence))) is { } wrong)
            throw new InvalidDataException($"they do not verify: {wrong}");
        Remove(connection, first, checkpoint);
        Problem = null;
        Log.Removed(log, first, checkpoint.Sequence);
        return true;
    }

    /// <summary>The checkpoint through which records are due; null while none is.</summary>
    private Checkpoint? Due(SqliteConnection connection, long floor)
    {
        var tooMany = TooMany(connection, floor);
        // The last one of a segment's size; of records further apart than that, the first.
        Checkpoint? last = null;
        foreach (var checkpoint in CheckpointTable.InOrder(connection, floor))
        {
            if (checkpoint.Sequence >= store.Head.Sequence || (last is not null && checkpoint.Sequence - floor > MostRecords) || !IsDue(checkpoint, last, floor, tooMany))
                break;
            last = checkpoint;
        }

        return last;
    }

    // By the sink's own time of signing, not by that of the events, which is whatever a gate's clock said.
    private bool IsDue(Checkpoint checkpoint, Checkpoint? before, long floor, long tooMany)
    {
        var age = time.GetUtcNow().UtcTicks - checkpoint.Ticks;
        return (_options.Days > 0 && age > TimeSpan.FromDays(_options.Days).Ticks)
            || (age > TimeSpan.FromDays(_options.KeepDays).Ticks && (before?.Sequence ?? floor) - floor < tooMany);
    }

    /// <summary>So many records take what the record has above its limit, if they are as large as the others.</summary>
    private long TooMany(SqliteConnection connection, long floor)
    {
        if (_options.Megabytes == 0)
            return 0;
        var used = Used(connection);
        var above = used - (_options.Megabytes * 1024L * 1024);
        return above <= 0 ? 0 : (long)Math.Ceiling((double)above / used * (store.Head.Sequence - floor));
    }

    private static long Used(SqliteConnection connection) =>
        (Pragma(connection, "page_count") - Pragma(connection, "freelist_count")) * Pragma(connection, "page_size");

    private void Remove(SqliteConnection connection, long first, Checkpoint checkpoint)
    {
        var segment = Segment.Sign(store.Key, EventDatabase.Genesis(connection).Hash, first, new(checkpoint.Sequence, checkpoint.Hash), time.GetUtcNow().UtcTicks);
        using (var transaction = connection.BeginTransaction(deferred: false))
        {
            SegmentTable.Add(connection, transaction, segment);
            foreach (var sql in (string[])[
                "DELETE FROM events WHERE sequence <= $through",
                "DELETE FROM checkpoints WHERE sequence <= $through",
                $"DELETE FROM name_filters WHERE (block + 1) * {NameFilter.Records} <= $through",
                // A session that has begun and not ended still counts: its gates will seal all that they recorded of it.
                "DELETE FROM sessions WHERE first <= $through AND (started IS NULL OR ended IS NOT NULL OR started < $dead) AND NOT EXISTS (SELECT 1 FROM events WHERE events.session = sessions.session)",
                "DELETE FROM session_gates WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session = session_gates.session)",
            ])
            {
                using var command = connection.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = sql;
                if (sql.Contains('$', StringComparison.Ordinal))
                    command.Parameters.AddWithValue("$through", checkpoint.Sequence);
                if (sql.Contains("$dead", StringComparison.Ordinal))
                    command.Parameters.AddWithValue("$dead", (time.GetUtcNow() - s_longestSession).UtcTicks);
                command.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        EventDatabase.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA incremental_vacuum({MostPages})"));
    }

    private string? Verify(ExportRange range)
    {
        using var walk = new ExportWalk(store, range);
        while (!walk.IsOver)
            walk.Next(1_000);
        return walk.Problem;
    }

    /// <returns>What is wrong with the records, or null: then they are in the folder.</returns>
    /// <exception cref="IOException">It could not be written.</exception>
    private string? Archive(string folder, ExportRange range)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"records-{range.From:D12}-{range.Through:D12}.ndjson"));
        var unfinished = path + ".new";
        using (var file = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            var pipe = PipeWriter.Create(file, new StreamPipeWriterOptions(leaveOpen: true));
            var problem = export.WriteAsync(pipe, range, null, CancellationToken.None).GetAwaiter().GetResult();
            pipe.Complete();
            file.Flush(flushToDisk: true);
            if (problem is not null)
                return problem;
        }

        File.Move(unfinished, path, overwrite: true);
        return null;
    }

    private static long Pragma(SqliteConnection connection, string name)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA " + name;
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>It could not be done now; it is tried again.</summary>
    public void Failed(Exception e)
    {
        Problem = $"records that are due could not be removed: {e.Message}";
        _more = false;
        Log.NotRemoved(log, e);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Records {First} to {Last} were removed, as LogSink:Retention says")]
        public static partial void Removed(ILogger log, long first, long last);

        [LoggerMessage(2, LogLevel.Warning, "Records {First} to {Last} are due to be removed, but a receiver of LogSink:Forward has not taken them yet")]
        public static partial void Held(ILogger log, long first, long last);

        [LoggerMessage(3, LogLevel.Error, "Records that are due could not be removed")]
        public static partial void NotRemoved(ILogger log, Exception exception);

        [LoggerMessage(4, LogLevel.Warning, "The clock was set: for ten minutes nothing is removed by it")]
        public static partial void ClockJumped(ILogger log);
    }
}
