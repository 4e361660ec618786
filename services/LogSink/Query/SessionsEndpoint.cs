using System.Buffers;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Query;

/// <summary><c>GET /sessions?session=|prefix=|older=</c>: newest first, by when their first event arrived (clocks jump), as NDJSON.</summary>
internal sealed class SessionsEndpoint(EventStore store)
{
    private const string Columns =
        "session, coalesce(started, seen), ended, exit_code, command, working_directory, policy, isolation, allowed, denied, bytes_sent, bytes_received, changes, waiting";

    private static readonly string[] s_parameters = ["limit", "session", "prefix", "older"];

    public async Task HandleAsync(HttpContext context)
    {
        if (EventQuery.TryParse(context.Request.Query, s_parameters, out var query) is { } problem)
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Bad query", problem, context.RequestAborted);
            return;
        }

        var lines = new ArrayBufferWriter<byte>();
        Read(query, lines);
        context.Response.ContentType = "application/x-ndjson";
        await context.Response.Body.WriteAsync(lines.WrittenMemory, context.RequestAborted);
    }

    private void Read(EventQuery query, ArrayBufferWriter<byte> lines)
    {
        using var connection = store.Database.OpenReader();
        var gates = Gates(connection, query).ToLookup(gate => gate.Session);
        using var command = Select(connection, query, Columns);
        using var reader = command.ExecuteReader();
        using var json = new Utf8JsonWriter(lines);
        while (reader.Read())
        {
            Write(json, reader, gates[reader.GetString(0)]);
            json.Flush();
            lines.Write("\n"u8);
            json.Reset();
        }
    }

    private static SqliteCommand Select(SqliteConnection connection, EventQuery query, string columns)
    {
        var command = connection.CreateCommand();
        var sql = new StringBuilder($"SELECT {columns} FROM sessions WHERE true");
        if (query.Filter.Session is { } session)
            Where(" AND session = $session", "$session", session);
        // Not LIKE: this knows no wildcards to escape.
        if (query.Prefix is { } prefix)
            Where(" AND substr(session, 1, length($prefix)) = $prefix", "$prefix", prefix);
        if (query.Older is { } older)
            Where(" AND first < (SELECT first FROM sessions WHERE session = $older)", "$older", older);
        command.CommandText = sql.Append(" ORDER BY first DESC LIMIT $limit").ToString();
        command.Parameters.AddWithValue("$limit", query.Limit);
        return command;

        void Where(string clause, string name, string value)
        {
            sql.Append(clause);
            command.Parameters.AddWithValue(name, value);
        }
    }

    private static List<(string Session, string Gate, long Records, long? Sealed)> Gates(SqliteConnection connection, EventQuery query)
    {
        using var command = Select(connection, query, "session");
        command.CommandText = $"SELECT session, gate, records, sealed FROM session_gates WHERE session IN ({command.CommandText}) ORDER BY session, gate";
        using var reader = command.ExecuteReader();
        var gates = new List<(string, string, long, long?)>();
        while (reader.Read())
            gates.Add((reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : reader.GetInt64(3)));
        return gates;
    }

    private static void Write(Utf8JsonWriter json, SqliteDataReader reader, IEnumerable<(string Session, string Gate, long Records, long? Sealed)> gates)
    {
        json.WriteStartObject();
        json.WriteString("session", reader.GetString(0));
        json.WriteString("started", Time.Of(reader.GetInt64(1)));
        if (!reader.IsDBNull(2))
            json.WriteString("ended", Time.Of(reader.GetInt64(2)));
        if (!reader.IsDBNull(3))
            json.WriteNumber("exitCode", reader.GetInt64(3));
        Text("command", 4);
        Text("workingDirectory", 5);
        Text("policy", 6);
        Text("isolation", 7);
        json.WriteNumber("allowed", reader.GetInt64(8));
        json.WriteNumber("denied", reader.GetInt64(9));
        json.WriteNumber("bytesSent", reader.GetInt64(10));
        json.WriteNumber("bytesReceived", reader.GetInt64(11));
        Text("changes", 12);
        // Absent while it runs, and where it was not counted.
        if (!reader.IsDBNull(13))
            json.WriteNumber("waiting", reader.GetInt64(13));
        json.WriteStartObject("gates");
        foreach (var (_, gate, records, sealedRecords) in gates)
        {
            json.WriteStartObject(gate);
            json.WriteNumber("records", records);
            // Only gates seal; while the session runs, and of one that was killed, there is none.
            if (sealedRecords is { } count)
                json.WriteNumber("sealed", count);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();

        void Text(string name, int column)
        {
            if (!reader.IsDBNull(column))
                json.WriteString(name, reader.GetString(column));
        }
    }
}
