using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The prepared statement that stores one event at the end of the chain, unless its id is there already.</summary>
internal sealed class EventInsert : IDisposable
{
    private static readonly string[] s_names =
    [
        "$sequence", "$id", "$time", "$session", "$gate", "$action", "$subject", "$verdict", "$rule", "$reason", "$sent", "$received", "$duration",
        "$trace", "$attempt", "$detail", "$hash",
    ];

    private readonly SqliteCommand _command;
    private readonly CanonicalForm _form = new();

    public EventInsert(SqliteConnection connection)
    {
        _command = connection.CreateCommand();
        _command.CommandText =
            $"INSERT INTO events ({EventReader.Columns}) VALUES ({string.Join(", ", s_names)}) ON CONFLICT (id) DO NOTHING";
        foreach (var name in s_names)
            _command.Parameters.Add(new SqliteParameter { ParameterName = name });
    }

    /// <summary>The new head, or null when the event was stored before.</summary>
    public ChainHead? Run(SqliteTransaction transaction, ChainHead head, EventRow row)
    {
        var sequence = head.Sequence + 1;
        var hash = _form.Hash(head.Hash, sequence, row);
        object?[] values =
        [
            sequence, row.Id.ToByteArray(bigEndian: true), row.Ticks, row.Session, row.Gate, row.Action, row.Subject, row.Verdict, row.Rule, row.Reason,
            row.BytesSent, row.BytesReceived, row.DurationMs, row.TraceId, row.Attempt?.ToByteArray(bigEndian: true), row.Detail, hash,
        ];
        for (var i = 0; i < values.Length; i++)
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        _command.Transaction = transaction;
        return _command.ExecuteNonQuery() == 1 ? new(sequence, hash) : null;
    }

    public void Dispose() => _command.Dispose();
}
