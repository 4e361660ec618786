using System.Globalization;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>Sessions and their records, a page at a time. None of these reads more than a page, whatever the record holds.</summary>
internal sealed class SessionQueries(EventStore store)
{
    public const int Page = 100;

    private const string Columns = "session, first, coalesce(started, seen), ended, exit_code, command, working_directory, policy, isolation, allowed, denied, bytes_sent, bytes_received, changes, waiting";

    private const string Listed = "SELECT {0} FROM sessions WHERE first < $before ORDER BY first DESC LIMIT $page", One = "SELECT {0} FROM sessions WHERE session = $session";

    /// <summary>Newest first.</summary>
    /// <param name="before">Older than the session at this place; null for the newest.</param>
    /// <param name="most">How many.</param>
    public List<SessionLine> Sessions(long? before = null, int most = Page)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.Parameters.AddWithValue("$before", before ?? long.MaxValue);
        command.Parameters.AddWithValue("$page", most);
        return Read(command, Listed);
    }

    public SessionLine? Session(string id)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.Parameters.AddWithValue("$session", id);
        return Read(command, One).FirstOrDefault();
    }

    /// <summary>One attempt from its decision to its end, and what else its trace has; oldest first.</summary>
    public List<EventRow> Attempt(EventRow row)
    {
        const int most = 50, near = 20_000;
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        // An end comes after its beginning, and soon: looked for near, so that no table is read through.
        command.CommandText =
            $"SELECT {EventReader.Columns} FROM events WHERE sequence BETWEEN $from AND $to AND session = $session AND (id IN ($id, $attempt) OR attempt IN ($id, $attempt)) ORDER BY sequence LIMIT $most";
        command.Parameters.AddWithValue("$from", row.Sequence - near);
        command.Parameters.AddWithValue("$to", row.Sequence + near);
        command.Parameters.AddWithValue("$session", row.Session);
        command.Parameters.AddWithValue("$id", row.Id.ToByteArray(bigEndian: true));
        command.Parameters.AddWithValue("$attempt", (row.Attempt ?? row.Id).ToByteArray(bigEndian: true));
        command.Parameters.AddWithValue("$most", most);
        using var reader = command.ExecuteReader();
        var rows = new List<EventRow>();
        while (reader.Read())
            rows.Add(EventReader.Read(reader));
        return rows;
    }

    /// <summary>Sessions that ran under a policy file, newest first, of the newest so many.</summary>
    public IEnumerable<SessionLine> WithPolicy() => Sessions().Where(session => session.Policy is { Length: > 0 } and not "built-in");

    // Both in one transaction would be more than a page needs: what comes between is read at once again.
    private static List<SessionLine> Read(SqliteCommand command, string sql)
    {
        command.CommandText = string.Format(CultureInfo.InvariantCulture, $"SELECT session, gate, records, sealed FROM session_gates WHERE session IN ({sql})", "session");
        var gates = Gates(command).ToLookup(entry => entry.Session, entry => entry.Count, StringComparer.Ordinal);
        command.CommandText = string.Format(CultureInfo.InvariantCulture, sql, Columns);
        using var reader = command.ExecuteReader();
        var lines = new List<SessionLine>();
        while (reader.Read())
        {
            lines.Add(new()
            {
                Id = reader.GetString(0),
                First = reader.GetInt64(1),
                Started = Time.Of(reader.GetInt64(2)),
                Ended = reader.IsDBNull(3) ? null : Time.Of(reader.GetInt64(3)),
                ExitCode = reader.IsDBNull(4) ? null : reader.GetInt64(4),
                Command = Text(5),
                WorkingDirectory = Text(6),
                Policy = Text(7),
                Isolation = Text(8),
                Allowed = reader.GetInt64(9),
                Denied = reader.GetInt64(10),
                BytesSent = reader.GetInt64(11),
                BytesReceived = reader.GetInt64(12),
                Changes = reader.IsDBNull(13) ? null : reader.GetString(13),
                Waiting = reader.IsDBNull(14) ? null : reader.GetInt64(14),
                Seal = RecordSeal.Of(reader.IsDBNull(3), gates[reader.GetString(0)]),
            });
        }

        return lines;

        string Text(int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);
    }

    private static List<(string Session, GateCount Count)> Gates(SqliteCommand command)
    {
        using var reader = command.ExecuteReader();
        var gates = new List<(string, GateCount)>();
        while (reader.Read())
            gates.Add((reader.GetString(0), new(reader.GetString(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : reader.GetInt64(3))));
        return gates;
    }
}
