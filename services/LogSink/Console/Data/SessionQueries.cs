using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>Sessions and their records, a page at a time. None of these reads more than a page, whatever the record holds.</summary>
internal sealed class SessionQueries(EventStore store)
{
    public const int Page = 100;

    private const string Columns = "session, first, coalesce(started, seen), ended, exit_code, command, working_directory, policy, isolation, allowed, denied, bytes_sent, bytes_received";

    /// <summary>Newest first.</summary>
    /// <param name="before">Older than the session at this place; null for the newest.</param>
    public List<SessionLine> Sessions(long? before = null)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM sessions WHERE first < $before ORDER BY first DESC LIMIT $page";
        command.Parameters.AddWithValue("$before", before ?? long.MaxValue);
        command.Parameters.AddWithValue("$page", Page);
        return [.. Read(command)];
    }

    public SessionLine? Session(string id)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM sessions WHERE session = $session";
        command.Parameters.AddWithValue("$session", id);
        return Read(command).FirstOrDefault();
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

    private static IEnumerable<SessionLine> Read(SqliteCommand command)
    {
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new()
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
            };
        }

        string Text(int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);
    }
}
