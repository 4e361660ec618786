using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The database file: who may open it, and how.</summary>
internal sealed class EventDatabase(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Path { get; } = path;

    /// <summary>Creates folder and file for their owner alone, and the tables.</summary>
    /// <exception cref="StoreUnusableException">It is not a database, or a newer version's.</exception>
    public void Prepare()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!, OwnerOnly | UnixFileMode.UserExecute);
        // SQLite gives its -wal and -shm files the mode of this one.
        File.Open(Path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, UnixCreateMode = OwnerOnly }).Dispose();
        File.SetUnixFileMode(Path, OwnerOnly);
        try
        {
            using (var connection = OpenPlain())
            {
                // Only a database without tables takes it: removed records then give their room back to the disk.
                Execute(connection, "PRAGMA auto_vacuum = INCREMENTAL;");
            }

            using var writer = OpenWriter();
            Schema.Migrate(writer);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT)
        {
            throw new StoreUnusableException($"{Path} is damaged ({e.Message}): move it and the files beside it away, or restore them from a backup");
        }
    }

    private SqliteConnection OpenPlain() => Open(SqliteOpenMode.ReadWrite, pooled: false);

    /// <summary>The one connection that writes: a commit is on the disk when it returns.</summary>
    public SqliteConnection OpenWriter()
    {
        var connection = OpenPlain();
        Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
        // The pages that a full commit changes, all in memory (KiB); folded into the database (4 KiB pages) once for three such commits, not for each.
        Execute(connection, "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;");
        return connection;
    }

    /// <summary>A reader waits for nobody, and nobody for it. Close it before waiting for a peer: it keeps the log from being folded in.</summary>
    public SqliteConnection OpenReader() => Open(SqliteOpenMode.ReadOnly, pooled: true);

    /// <summary>Closes what the readers left open.</summary>
    public void ClosePool()
    {
        using var connection = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadOnly, pooled: true));
        SqliteConnection.ClearPool(connection);
    }

    /// <summary>The chain's record 0.</summary>
    public static ChainHead Genesis(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT genesis FROM chain";
        return new(0, command.ExecuteScalar() as byte[] ?? []);
    }

    private SqliteConnection Open(SqliteOpenMode mode, bool pooled)
    {
        var connection = new SqliteConnection(ConnectionString(mode, pooled));
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // 5 s: nobody but a person with the sqlite3 shell ever holds the database's lock for longer than one commit.
    private string ConnectionString(SqliteOpenMode mode, bool pooled) =>
        new SqliteConnectionStringBuilder { DataSource = Path, Mode = mode, Pooling = pooled, DefaultTimeout = 5 }.ToString();

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
