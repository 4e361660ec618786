using System.Globalization;
using Gatehouse.Policy.Events;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// What one commit adds to a session: verdicts on the agent's attempts (not the ends of attempts, nor answers to asks, nor what the sandbox says
/// about the session itself and the files it changed) and the bytes of all events. Kept in the transaction that stores the events, so that listing
/// sessions scans none.
/// </summary>
internal sealed class SessionTally(string session, long first, long seen)
{
    private const string Sandbox = "sandbox", Filesystem = "filesystem";

    private const string Sql = """
        INSERT INTO sessions
            (session, first, seen, started, ended, exit_code, command, working_directory, policy, isolation, allowed, denied, bytes_sent, bytes_received, changes, waiting, changes_time)
        VALUES
            ($session, $first, $seen, $started, $ended, $exitCode, $command, $workingDirectory, $policy, $isolation, $allowed, $denied, $sent, $received, $changes, $waiting, $changesTime)
        ON CONFLICT (session) DO UPDATE SET
            started           = coalesce(started, excluded.started),
            ended             = coalesce(excluded.ended, ended),
            exit_code         = coalesce(excluded.exit_code, exit_code),
            command           = coalesce(command, excluded.command),
            working_directory = coalesce(working_directory, excluded.working_directory),
            policy            = coalesce(policy, excluded.policy),
            isolation         = coalesce(isolation, excluded.isolation),
            allowed           = allowed + excluded.allowed,
            denied            = denied + excluded.denied,
            bytes_sent        = min(bytes_sent + excluded.bytes_sent, $most),
            bytes_received    = min(bytes_received + excluded.bytes_received, $most),
            -- The newest counts, in whatever order they arrive.
            changes           = iif(excluded.changes_time >= coalesce(changes_time, 0), excluded.changes, changes),
            waiting           = iif(excluded.changes_time >= coalesce(changes_time, 0), excluded.waiting, waiting),
            changes_time      = iif(excluded.changes_time >= coalesce(changes_time, 0), excluded.changes_time, changes_time)
        """;

    private const string GateSql = """
        INSERT INTO session_gates (session, gate, records, sealed) VALUES ($session, $gate, $records, $sealed)
        ON CONFLICT (session, gate) DO UPDATE SET
            records = records + excluded.records,
            sealed  = iif(sealed IS NULL, excluded.sealed, min(sealed + coalesce(excluded.sealed, 0), $most))
        """;

    /// <summary>The largest integer that every JSON reader keeps exactly. Sums stop there: an overflow would refuse the whole commit.</summary>
    public const long MostBytes = 1L << 53;

    private readonly Dictionary<string, (long Records, long? Sealed)> _gates = new(StringComparer.Ordinal);
    private EventRow? _start;
    private EventRow? _end;
    private EventRow? _changes;
    private long _allowed;
    private long _denied;
    private long _bytesSent;
    private long _bytesReceived;

    public static void Add(Dictionary<string, SessionTally> tallies, long sequence, EventRow row)
    {
        if (!tallies.TryGetValue(row.Session, out var tally))
            tallies.Add(row.Session, tally = new(row.Session, sequence, row.Ticks));
        tally.Add(row);
    }

    public void Write(SqliteConnection connection, SqliteTransaction transaction)
    {
        var started = _start?.Detail is { } start ? DetailJson.Read(start) : null;
        var ended = _end?.Detail is { } end ? DetailJson.Read(end) : null;
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = Sql;
        Set("$session", session);
        Set("$first", first);
        Set("$seen", seen);
        Set("$started", _start?.Ticks);
        Set("$ended", _end?.Ticks);
        Set("$exitCode", long.TryParse(ended?.GetValueOrDefault("exitCode"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code) ? code : null);
        foreach (var name in (string[])["command", "workingDirectory", "policy", "isolation"])
            Set("$" + name, started?.GetValueOrDefault(name));
        Set("$allowed", _allowed);
        Set("$denied", _denied);
        Set("$sent", _bytesSent);
        Set("$received", _bytesReceived);
        Set("$changes", _changes?.Subject);
        Set("$waiting", _changes?.Detail is { } changes ? Waiting(DetailJson.Read(changes)) : null);
        Set("$changesTime", _changes?.Ticks);
        Set("$most", MostBytes);
        command.ExecuteNonQuery();
        foreach (var (gate, (records, sealedRecords)) in _gates)
            WriteGate(connection, transaction, gate, records, sealedRecords);

        void Set(string name, object? value) => command.Parameters.AddWithValue(name, value ?? DBNull.Value);
    }

    private static long? Waiting(IReadOnlyDictionary<string, string> detail) =>
        long.TryParse(detail.GetValueOrDefault("waiting"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= MostBytes ? count : null;

    private void WriteGate(SqliteConnection connection, SqliteTransaction transaction, string gate, long records, long? sealedRecords)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = GateSql;
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$gate", gate);
        command.Parameters.AddWithValue("$records", records);
        command.Parameters.AddWithValue("$sealed", (object?)sealedRecords ?? DBNull.Value);
        command.Parameters.AddWithValue("$most", MostBytes);
        command.ExecuteNonQuery();
    }

    private void Add(EventRow row)
    {
        var counted = _gates.GetValueOrDefault(row.Gate);
        if (row.Action == SessionSeal.Action)
        {
            _gates[row.Gate] = (counted.Records, (counted.Sealed ?? 0) + SessionSeal.Count(row));
            return;
        }

        // What was asked is recorded here, in the name of the gate that asked: its seal knows nothing of that.
        var isAsk = BoundaryActions.IsAsk(row.Action);
        if (!isAsk)
            _gates[row.Gate] = (counted.Records + 1, counted.Sealed);
        _bytesSent = Math.Min(_bytesSent + row.BytesSent, MostBytes);
        _bytesReceived = Math.Min(_bytesReceived + row.BytesReceived, MostBytes);
        if (row.Gate == Sandbox)
        {
            if (row.Action == "session.start")
                _start ??= row;
            else if (row.Action == "session.end")
                _end = row;
        }
        else if (row.Gate == Filesystem && (row.Action == BoundaryActions.Changes || row.Action.StartsWith(BoundaryActions.Changes + ".", StringComparison.Ordinal)))
        {
            if (_changes is null || row.Ticks >= _changes.Ticks)
                _changes = row;
        }
        // Nor is an answer an attempt: what waited for it has a verdict of its own.
        else if (row.Attempt is null && !isAsk)
        {
            if (row.Verdict == "allowed")
                _allowed++;
            else
                _denied++;
        }
    }
}
