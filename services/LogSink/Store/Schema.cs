using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>The tables, by version: <c>PRAGMA user_version</c> counts the steps that a database has behind it.</summary>
internal static class Schema
{
    private static readonly string[] s_steps =
    [
        """
        CREATE TABLE chain (genesis BLOB NOT NULL) STRICT;

        CREATE TABLE events (
            sequence       INTEGER PRIMARY KEY,
            id             BLOB NOT NULL UNIQUE,
            time           INTEGER NOT NULL,
            session        TEXT NOT NULL,
            gate           TEXT NOT NULL,
            action         TEXT NOT NULL,
            subject        TEXT NOT NULL,
            verdict        TEXT NOT NULL,
            rule           TEXT,
            reason         TEXT,
            bytes_sent     INTEGER NOT NULL,
            bytes_received INTEGER NOT NULL,
            duration_ms    REAL NOT NULL,
            trace_id       TEXT,
            attempt        BLOB,
            detail         TEXT,
            hash           BLOB NOT NULL
        ) STRICT;

        -- An index ends with the rowid, which is the sequence: each serves its filter newest first without sorting.
        CREATE INDEX events_session ON events (session);
        CREATE INDEX events_gate ON events (gate);
        CREATE INDEX events_verdict ON events (verdict);

        CREATE TABLE sessions (
            session           TEXT PRIMARY KEY,
            first             INTEGER NOT NULL,
            seen              INTEGER NOT NULL,
            started           INTEGER,
            ended             INTEGER,
            exit_code         INTEGER,
            command           TEXT,
            working_directory TEXT,
            policy            TEXT,
            isolation         TEXT,
            allowed           INTEGER NOT NULL,
            denied            INTEGER NOT NULL,
            bytes_sent        INTEGER NOT NULL,
            bytes_received    INTEGER NOT NULL
        ) STRICT;

        CREATE INDEX sessions_first ON sessions (first);
        """,
        """
        CREATE TABLE checkpoints (
            sequence  INTEGER PRIMARY KEY,
            previous  INTEGER NOT NULL,
            time      INTEGER NOT NULL,
            hash      BLOB NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
        """,
        """
        CREATE TABLE segments (
            first     INTEGER PRIMARY KEY,
            last      INTEGER NOT NULL,
            time      INTEGER NOT NULL,
            hash      BLOB NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;

        CREATE TABLE session_gates (
            session TEXT NOT NULL,
            gate    TEXT NOT NULL,
            records INTEGER NOT NULL,
            -- What the gate said at the session's end that it recorded; null while it has not.
            sealed  INTEGER,
            PRIMARY KEY (session, gate)
        ) STRICT, WITHOUT ROWID;
        """,
        """
        -- What NameFilter says of each block of records.
        CREATE TABLE name_filters (block INTEGER PRIMARY KEY, filter BLOB NOT NULL) STRICT;
        """,
        """
        -- What became of the files that a session changed: in words, how many changes still wait, and when that was so.
        ALTER TABLE sessions ADD COLUMN changes TEXT;
        ALTER TABLE sessions ADD COLUMN waiting INTEGER;
        ALTER TABLE sessions ADD COLUMN changes_time INTEGER;
        UPDATE sessions SET changes = old.subject, changes_time = old.time
            FROM (SELECT session, subject, time FROM events WHERE gate = 'filesystem' AND action = 'changes') AS old WHERE old.session = sessions.session;

        -- Denials are few: what was denied to one session is found without reading what it was allowed.
        CREATE INDEX events_denied ON events (session) WHERE verdict = 'denied';
        """,
    ];

    /// <summary>Brings the database to this version, a step a transaction.</summary>
    /// <exception cref="StoreUnusableException">A newer Gatehouse wrote it.</exception>
    public static void Migrate(SqliteConnection connection)
    {
        var version = Version(connection);
        if (version > s_steps.Length)
        {
            throw new StoreUnusableException(
                $"{connection.DataSource} has version {version}, this log sink knows versions up to {s_steps.Length}: run the Gatehouse that wrote it, or a newer one");
        }

        for (; version < s_steps.Length; version++)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = string.Create(CultureInfo.InvariantCulture, $"{s_steps[version]} PRAGMA user_version = {version + 1};");
            command.ExecuteNonQuery();
            if (version == 0)
                WriteGenesis(connection, transaction);
            transaction.Commit();
        }
    }

    private static long Version(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        return (long)command.ExecuteScalar()!;
    }

    // Random, so that a chain of one database can not be passed off as another's.
    private static void WriteGenesis(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO chain (genesis) VALUES ($genesis)";
        command.Parameters.AddWithValue("$genesis", RandomNumberGenerator.GetBytes(ChainHead.HashLength));
        command.ExecuteNonQuery();
    }
}

/// <summary>The record can not be opened; the message says why and what to do.</summary>
internal sealed class StoreUnusableException(string message) : Exception(message);
