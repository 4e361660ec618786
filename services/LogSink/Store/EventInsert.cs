using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// The prepared statement that stores one event at the end of the chain, unless its id is there already. It binds by position, without the provider's named
/// and boxed parameters: those took half of the time of storing an event.
/// </summary>
internal sealed class EventInsert : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;
    private readonly CanonicalForm _form = new();
    private byte[] _text = new byte[16 * 1024];

    public EventInsert(SqliteConnection connection)
    {
        _connection = connection;
        var places = string.Join(", ", Enumerable.Repeat("?", EventReader.Columns.Split(',').Length));
        Check(raw.sqlite3_prepare_v2(
            connection.Handle, $"INSERT INTO events ({EventReader.Columns}) VALUES ({places}) ON CONFLICT (id) DO NOTHING", out _statement));
    }

    /// <summary>Runs in the transaction that the connection is in.</summary>
    /// <returns>The new head, or null when the event was stored before.</returns>
    /// <exception cref="SqliteException">The disk is full, say; the transaction is lost.</exception>
    public ChainHead? Run(ChainHead head, EventRow row)
    {
        var sequence = head.Sequence + 1;
        var hash = _form.Hash(head.Hash, sequence, row);
        Bind(sequence, hash, row);
        try
        {
            if (raw.sqlite3_step(_statement) is not raw.SQLITE_DONE and var result)
                SqliteException.ThrowExceptionForRC(result, _connection.Handle);
            return raw.sqlite3_changes(_connection.Handle) == 1 ? new(sequence, hash) : null;
        }
        finally
        {
            // Says once more what the step said.
            _ = raw.sqlite3_reset(_statement);
        }
    }

    // In the order of EventReader.Columns.
    private void Bind(long sequence, byte[] hash, EventRow row)
    {
        Span<byte> id = stackalloc byte[16];
        Number(1, sequence);
        row.Id.TryWriteBytes(id, bigEndian: true, out _);
        Check(raw.sqlite3_bind_blob(_statement, 2, id));
        Number(3, row.Ticks);
        Text(4, row.Session);
        Text(5, row.Gate);
        Text(6, row.Action);
        Text(7, row.Subject);
        Text(8, row.Verdict);
        Text(9, row.Rule);
        Text(10, row.Reason);
        Number(11, row.BytesSent);
        Number(12, row.BytesReceived);
        Check(raw.sqlite3_bind_double(_statement, 13, row.DurationMs));
        Text(14, row.TraceId);
        if (row.Attempt is { } attempt)
        {
            attempt.TryWriteBytes(id, bigEndian: true, out _);
            Check(raw.sqlite3_bind_blob(_statement, 15, id));
        }
        else
        {
            Check(raw.sqlite3_bind_null(_statement, 15));
        }

        Text(16, row.Detail);
        Check(raw.sqlite3_bind_blob(_statement, 17, hash));
    }

    private void Number(int place, long value) => Check(raw.sqlite3_bind_int64(_statement, place, value));

    private void Text(int place, string? text)
    {
        if (text is null)
        {
            Check(raw.sqlite3_bind_null(_statement, place));
            return;
        }

        // An empty span has no address, which would be a null.
        if (text.Length == 0)
        {
            Check(raw.sqlite3_bind_text(_statement, place, ""));
            return;
        }

        if (_text.Length < Encoding.UTF8.GetMaxByteCount(text.Length))
            _text = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        Check(raw.sqlite3_bind_text(_statement, place, _text.AsSpan(0, Encoding.UTF8.GetBytes(text, _text))));
    }

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _connection.Handle);

    public void Dispose() => _statement.Dispose();
}
