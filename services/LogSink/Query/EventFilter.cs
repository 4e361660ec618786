using System.Globalization;
using System.Text;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Query;

/// <summary>Which records are asked for. Values reach SQL as parameters only.</summary>
internal sealed record EventFilter(string? Session, string? Gate, string? Verdict, string? Name)
{
    /// <summary>Characters after which a page ends: records full of what an agent sent are large.</summary>
    private const int MostCharacters = 1 << 20;

    /// <summary>Of SQLite's machine, between two looks whether anybody still waits: some milliseconds.</summary>
    private const int Steps = 50_000;

    /// <summary>In the subject, rule, reason or detail, whatever its case.</summary>
    public string? Text { get; init; }

    /// <summary>A page of the records strictly between two sequences.</summary>
    /// <returns>The records, and whether there may be more behind them.</returns>
    /// <exception cref="OperationCanceledException">Nobody waits for them any more.</exception>
    public (List<EventRow> Rows, bool More) Read(EventDatabase database, long after, long before, bool newestFirst, int most, CancellationToken cancellationToken = default)
    {
        using var connection = database.OpenReader();
        // A search that finds nothing goes over millions of records within one step of SQLite, which asks meanwhile.
        SQLitePCL.raw.sqlite3_progress_handler(connection.Handle, Steps, static asked => ((CancellationToken)asked).IsCancellationRequested ? 1 : 0, cancellationToken);
        try
        {
            return Read(connection, after, before, newestFirst, most);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLitePCL.raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        finally
        {
            // The connection goes back to those that others use.
            SQLitePCL.raw.sqlite3_progress_handler(connection.Handle, 0, null, null);
        }
    }

    private (List<EventRow> Rows, bool More) Read(SqliteConnection connection, long after, long before, bool newestFirst, int most)
    {
        using var command = connection.CreateCommand();
        command.CommandText = Sql(newestFirst);
        var from = command.Parameters.AddWithValue("$after", after);
        var to = command.Parameters.AddWithValue("$before", before);
        var left = command.Parameters.AddWithValue("$most", most);
        Add("$session", Session);
        Add("$gate", Gate);
        Add("$verdict", Verdict);
        Add("$name", Name);
        Add("$text", Text);
        var rows = new List<EventRow>();
        var characters = 0;
        // A session has an index of its own, which is narrower than any name.
        foreach (var range in Name is null || Session is not null ? [(After: after, Before: before)] : NameFilterTable.Candidates(connection, Name, after, before, newestFirst))
        {
            (from.Value, to.Value, left.Value) = (range.After, range.Before, most - rows.Count);
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                var row = EventReader.Read(reader);
                rows.Add(row);
                characters += row.Subject.Length + (row.Rule?.Length ?? 0) + (row.Reason?.Length ?? 0) + (row.Detail?.Length ?? 0);
                if (characters > MostCharacters)
                    return (rows, true);
            }

            if (rows.Count == most)
                return (rows, true);
        }

        return (rows, false);

        void Add(string name, string? value)
        {
            if (value is not null)
                command.Parameters.AddWithValue(name, value);
        }
    }

    private string Sql(bool newestFirst)
    {
        var sql = new StringBuilder($"SELECT {EventReader.Columns} FROM events WHERE sequence > $after AND sequence < $before");
        // '+' keeps SQLite from an index: the most selective one leads, and walking it backwards gives the order without sorting.
        if (Session is not null)
            sql.Append(" AND session = $session");
        if (Verdict is not null)
            sql.Append(Session is null ? " AND verdict = $verdict" : " AND +verdict = $verdict");
        if (Gate is not null)
            sql.Append(Session is null && Verdict is null ? " AND gate = $gate" : " AND +gate = $gate");
        // Not LIKE: this knows no wildcards to escape, and sees what stands behind a NUL.
        if (Name is not null)
            sql.Append(" AND instr(lower(subject), lower($name)) > 0");
        if (Text is not null)
            sql.Append(" AND instr(lower(subject || char(10) || coalesce(rule, '') || char(10) || coalesce(reason, '') || char(10) || coalesce(detail, '')), lower($text)) > 0");
        return sql.Append(CultureInfo.InvariantCulture, $" ORDER BY sequence {(newestFirst ? "DESC" : "ASC")} LIMIT $most").ToString();
    }
}
