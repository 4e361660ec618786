using System.Globalization;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// The spans of the sessions, in a database of their own beside the record: they are for looking at, and neither chained nor kept for ever. It is opened
/// with the first span.
/// </summary>
internal sealed class SpanStore(IOptions<LogSinkOptions> options, EventStore events) : IDisposable
{
    /// <summary>A day of a busy agent; about 10 MB. What comes later of the same trace is refused.</summary>
    public const int MostPerTrace = 10_000;

    /// <summary>About 200 MB of what gates send. Then the oldest go.</summary>
    public const int MostInAll = 200_000;

    /// <summary>What they take on the disk, too: a span may be as large as a request. Then the oldest tenth goes, and the next.</summary>
    public long MostBytes { get; init; } = 512L << 20;

    private const string Tables = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;
        CREATE TABLE IF NOT EXISTS spans (
            received INTEGER PRIMARY KEY AUTOINCREMENT, trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT, session TEXT, service TEXT NOT NULL, name TEXT NOT NULL,
            kind INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, status INTEGER NOT NULL, message TEXT, attributes TEXT NOT NULL, UNIQUE (trace, span)
        ) STRICT;
        CREATE INDEX IF NOT EXISTS spans_session ON spans (session) WHERE session IS NOT NULL;
        """;

    private readonly Lock _gate = new();
    private SqliteConnection? _connection;

    /// <summary>Keeps what fits.</summary>
    /// <returns>How many were refused.</returns>
    public int Add(List<SpanRow> spans)
    {
        lock (_gate)
        {
            var connection = Open();
            using var transaction = connection.BeginTransaction();
            var refused = 0;
            var counts = new Dictionary<string, long>();
            foreach (var span in spans)
            {
                if (!counts.TryGetValue(span.Trace, out var count))
                    count = (long)Run(connection, transaction, "SELECT count(*) FROM spans WHERE trace = $trace", ("$trace", span.Trace)).ExecuteScalar()!;
                counts[span.Trace] = count + 1;
                if (count >= MostPerTrace)
                    refused++;
                else
                    Insert(connection, transaction, span);
            }

            Run(connection, transaction, string.Create(CultureInfo.InvariantCulture, $"DELETE FROM spans WHERE received <= (SELECT max(received) FROM spans) - {MostInAll}"))
                .ExecuteNonQuery();
            while (Bytes(connection, transaction) > MostBytes && RemoveOldest(connection, transaction))
            {
                // What goes may be smaller than what came.
            }

            transaction.Commit();
            return refused;
        }
    }

    /// <summary>The spans of the traces that the session has, oldest first.</summary>
    public List<SpanRow> Of(string session)
    {
        lock (_gate)
        {
            using var command = Run(
                Open(), null,
                $"""
                SELECT trace, span, parent, session, service, name, kind, start, end, status, message, attributes FROM spans
                WHERE trace = $known OR trace IN (SELECT trace FROM spans WHERE session = $session) ORDER BY start, received LIMIT {MostPerTrace}
                """,
                ("$session", session), ("$known", TraceOf(session)));
            using var reader = command.ExecuteReader();
            var spans = new List<SpanRow>();
            while (reader.Read())
            {
                spans.Add(new(
                    reader.GetString(0), reader.GetString(1), Text(2), Text(3), reader.GetString(4), reader.GetString(5), reader.GetInt64(6), reader.GetInt64(7),
                    reader.GetInt64(8), reader.GetInt64(9), Text(10), reader.GetString(11)));
            }

            return spans;

            string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        }
    }

    private static long Bytes(SqliteConnection connection, SqliteTransaction transaction) => (long)Run(
        connection, transaction, "SELECT (p.page_count - f.freelist_count) * s.page_size FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s").ExecuteScalar()!;

    private static bool RemoveOldest(SqliteConnection connection, SqliteTransaction transaction) => Run(
        connection, transaction,
        "DELETE FROM spans WHERE received <= (SELECT received FROM spans ORDER BY received LIMIT 1 OFFSET (SELECT count(*) / 10 FROM spans))").ExecuteNonQuery() > 0;

    // What the record says, for spans that came without a session.
    private string? TraceOf(string session)
    {
        using var connection = events.Database.OpenReader();
        using var command = Run(connection, null, "SELECT trace_id FROM events WHERE session = $session AND trace_id IS NOT NULL LIMIT 1", ("$session", session));
        return command.ExecuteScalar() as string;
    }

    private SqliteConnection Open()
    {
        if (_connection is not null)
            return _connection;
        var path = Path.Combine(Path.GetDirectoryName(options.Value.Database)!, "spans.db");
        File.Open(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }).Dispose();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        Run(connection, null, Tables).ExecuteNonQuery();
        return _connection = connection;
    }

    private static void Insert(SqliteConnection connection, SqliteTransaction transaction, SpanRow span)
    {
        using var command = Run(
            connection, transaction,
            """
            INSERT INTO spans (trace, span, parent, session, service, name, kind, start, end, status, message, attributes)
            VALUES ($trace, $span, $parent, $session, $service, $name, $kind, $start, $end, $status, $message, $attributes) ON CONFLICT DO NOTHING
            """,
            ("$trace", span.Trace), ("$span", span.Span), ("$parent", span.Parent), ("$session", span.Session), ("$service", span.Service), ("$name", span.Name),
            ("$kind", span.Kind), ("$start", span.Start), ("$end", span.End), ("$status", span.Status), ("$message", span.Message), ("$attributes", span.Attributes));
        command.ExecuteNonQuery();
    }

    private static SqliteCommand Run(SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public void Dispose() => _connection?.Dispose();
}
