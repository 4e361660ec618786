using Gatehouse.LogSink.Chain;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>When the writer signs: every so many records, after so long, and at the end. Used by its thread only.</summary>
internal sealed class CheckpointSigner
{
    private readonly EventStore _store;
    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly byte[] _genesis;
    private long _signed;
    private long _when;

    public CheckpointSigner(EventStore store, SqliteConnection connection, TimeProvider time)
    {
        (_store, _connection, _time) = (store, connection, time);
        _genesis = EventDatabase.Genesis(connection).Hash;
        _signed = CheckpointTable.Newest(connection);
        _when = time.GetTimestamp();
    }

    /// <summary>Within the commit that stores <paramref name="head"/>: no record is there whose checkpoint was lost on the way.</summary>
    /// <returns>The checkpoint's sequence; give it to <see cref="Committed"/>.</returns>
    public long? AddIfDue(SqliteTransaction transaction, ChainHead head) =>
        head.Sequence - _signed >= _store.Checkpoints.Records || IsLate ? Add(transaction, head) : null;

    public void Committed(long? signed)
    {
        if (signed is null)
            return;
        _signed = signed.Value;
        _when = _time.GetTimestamp();
    }

    /// <summary>While nothing comes.</summary>
    public void AddIfLate()
    {
        if (IsLate)
            AddNow();
    }

    public void AddNow()
    {
        _when = _time.GetTimestamp();
        if (_store.Head.Sequence > _signed)
            Committed(Add(null, _store.Head));
    }

    private bool IsLate => _time.GetElapsedTime(_when) >= _store.Checkpoints.After;

    private long? Add(SqliteTransaction? transaction, ChainHead head)
    {
        var checkpoint = Checkpoint.Sign(_store.Key, _genesis, _signed, head, _time.GetUtcNow().UtcTicks);
        return CheckpointTable.Add(_connection, transaction, checkpoint) ? head.Sequence : null;
    }
}

/// <summary>How far the record may go on unsigned.</summary>
/// <param name="Records">So many records.</param>
/// <param name="After">So long.</param>
internal sealed record CheckpointInterval(int Records, TimeSpan After)
{
    public static CheckpointInterval Default { get; } = new(10_000, TimeSpan.FromSeconds(10));
}
