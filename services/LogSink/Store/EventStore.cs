using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Live;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The record: its database, the end of its chain, and the moment between the two that a reader of both must not see.</summary>
internal sealed class EventStore : IDisposable
{
    private readonly HeadFile _headFile;
    private readonly Lock _commit = new();
    private volatile ChainHead _head = new(0, []);

    public EventStore(EventDatabase database, HeadSignal changed, CheckpointInterval checkpoints)
    {
        Checkpoints = checkpoints;
        Database = database;
        Changed = changed;
        Directory.CreateDirectory(Path.GetDirectoryName(database.Path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        // The lock first: no second sink may touch the database.
        _headFile = HeadFile.Open(HeadFile.PathFor(database.Path));
        try
        {
            Key = SigningKey.Open(database.Path);
            database.Prepare();
            using var connection = database.OpenWriter();
            Found = Recover(connection, _headFile.Read(), EventWriter.MostPerCommit);
        }
        catch
        {
            Key?.Dispose();
            _headFile.Dispose();
            throw;
        }
    }

    public EventDatabase Database { get; }

    /// <summary>Says that <see cref="Head"/> moved.</summary>
    public HeadSignal Changed { get; }

    /// <summary>Signs checkpoints.</summary>
    public SigningKey Key { get; }

    public CheckpointInterval Checkpoints { get; }

    /// <summary>What was wrong with the record when it was opened, or null.</summary>
    public string? Found { get; }

    /// <summary>The newest record that is on the disk.</summary>
    public ChainHead Head => _head;

    /// <summary>After a commit whose outcome is not known: what the database says it was.</summary>
    /// <returns>What is wrong with the record, or null.</returns>
    public string? Recover(SqliteConnection connection, ChainHead? known, int mostAhead)
    {
        lock (_commit)
        {
            var (head, problem) = HeadRecovery.Recover(connection, known, mostAhead);
            _headFile.Write(head);
            _head = head;
            return problem;
        }
    }

    /// <summary>Commits, and moves the head with it: both are on the disk when it returns.</summary>
    public void Commit(SqliteTransaction transaction, ChainHead head)
    {
        lock (_commit)
        {
            transaction.Commit();
            _head = head;
            _headFile.Write(head);
        }
    }

    /// <summary>Fixes what <paramref name="connection"/> sees from now on, and returns the head that belongs to it.</summary>
    public ChainHead Snapshot(SqliteConnection connection, out SqliteTransaction transaction)
    {
        lock (_commit)
        {
            transaction = connection.BeginTransaction(deferred: true);
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            // A deferred transaction begins with its first read.
            command.CommandText = "SELECT genesis FROM chain";
            command.ExecuteScalar();
            return _head;
        }
    }

    public void Dispose()
    {
        Database.ClosePool();
        Key.Dispose();
        _headFile.Dispose();
    }
}
