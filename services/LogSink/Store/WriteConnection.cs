using Gatehouse.LogSink.Ingest;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The writer's connection with its prepared statement. After any failure it is thrown away.</summary>
internal sealed class WriteConnection(EventStore store, SqliteConnection connection, TimeProvider time) : IDisposable
{
    private readonly EventInsert _insert = new(connection);
    private readonly NameFilterTable _names = new(connection, store.Head.Sequence);

    public SqliteConnection Connection => connection;

    public CheckpointSigner Signer { get; } = new(store, connection, time);

    /// <summary>Stores all batches in one transaction.</summary>
    /// <param name="batches">What to store.</param>
    /// <param name="inDoubt">Set while the outcome of the commit is not known, and left so when it throws.</param>
    public List<BatchOutcome> Write(List<EventBatch> batches, ref bool inDoubt)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        var head = store.Head;
        var outcomes = new List<BatchOutcome>(batches.Count);
        var tallies = new Dictionary<string, SessionTally>(StringComparer.Ordinal);
        foreach (var batch in batches)
        {
            var stored = 0;
            foreach (var row in batch.Rows)
            {
                if (_insert.Run(head, row) is not { } next)
                    continue;
                head = next;
                stored++;
                SessionTally.Add(tallies, next.Sequence, row);
                _names.Add(transaction, next.Sequence, row.Subject);
            }

            outcomes.Add(new(StoreStatus.Durable, stored, batch.Rows.Count - stored));
        }

        // Nothing new: what these are duplicates of is on the disk already.
        if (tallies.Count == 0)
            return outcomes;
        foreach (var tally in tallies.Values)
            tally.Write(connection, transaction);
        var signed = Signer.AddIfDue(transaction, head);
        inDoubt = true;
        store.Commit(transaction, head);
        inDoubt = false;
        Signer.Committed(signed);
        store.Changed.Raise();
        return outcomes;
    }

    public void Dispose()
    {
        _insert.Dispose();
        connection.Dispose();
    }
}
