using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.Data.Sqlite;
using Myrmex.Runtime;
using SQLitePCL;

namespace Myrmex.Coordination;

/// <summary>
/// The store of one machine: a SQLite file that one process at a time has open.
/// Disk format, version 1: <c>entry</c> holds the live keys, <c>event</c> the kept changes (a delete has no value),
/// <c>lease</c> the granted leases, <c>meta</c> the numbers "revision" and "last-lease". Everything of one commit is in
/// one SQLite transaction with write-ahead log and synchronous=FULL, so that a crash leaves all of it or nothing, and
/// an answered commit survives loss of power.
/// </summary>
public sealed class SqliteStore : LocalStore
{
    private const int FormatVersion = 1;
    private const int SqliteBusy = 5;
    private const int SqliteFull = 13;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS entry (
          key TEXT PRIMARY KEY, value BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
          version INTEGER NOT NULL, lease INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS event (
          revision INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, created INTEGER NOT NULL,
          version INTEGER NOT NULL, lease INTEGER NOT NULL, PRIMARY KEY (revision, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS lease (id INTEGER PRIMARY KEY, seconds INTEGER NOT NULL);
        """;

    private readonly SqliteConnection _connection;
    private readonly string _path;
    private readonly Dictionary<string, SqliteCommand> _commands = [];

    static SqliteStore()
    {
        Batteries_V2.Init();
    }

    private SqliteStore(SqliteConnection connection, string path, IClock clock, int historyRevisionsMax)
        : base(clock, historyRevisionsMax)
    {
        _connection = connection;
        _path = path;
    }

    /// <summary>
    /// Opens the file, or makes it (mode 0600). Throws <see cref="StateStoreException"/> when another process has it,
    /// when a newer Myrmex wrote it, or when it cannot be read.
    /// </summary>
    public static SqliteStore Open(string path, IClock clock, int historyRevisionsMax = Limits.HistoryRevisionsMax)
    {
        var builder = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 };
        var store = new SqliteStore(new SqliteConnection(builder.ConnectionString), path, clock, historyRevisionsMax);
        try
        {
            store.OpenFile();
            store.Load(clock);
            return store;
        }
        catch (Exception e)
        {
            store._connection.Dispose();
            throw e is SqliteException { SqliteErrorCode: SqliteBusy }
                ? new StateStoreException($"{path} is in use by another process", e)
                : e as StateStoreException ?? new StateStoreException($"{path}: {e.Message}", e);
        }
    }

    internal override void Persist(PreparedCommit commit, Revision oldestKept) => InTransaction(() =>
    {
        foreach (var change in commit.Changes)
        {
            PersistChange(change);
        }

        foreach (var lease in commit.EndedLeases)
        {
            Run("DELETE FROM lease WHERE id = @a", lease.Value);
        }

        Run("INSERT OR REPLACE INTO meta VALUES ('revision', @a)", commit.Result.Revision.Value);
        Run("DELETE FROM event WHERE revision < @a", oldestKept.Value);
    });

    internal override void PersistLease(LeaseId lease, long seconds) => InTransaction(() =>
    {
        Run("INSERT INTO lease VALUES (@a, @b)", lease.Value, seconds);
        Run("INSERT OR REPLACE INTO meta VALUES ('last-lease', @a)", lease.Value);
    });

    internal override void CloseFile()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    private void OpenFile()
    {
        if (!File.Exists(_path))
        {
            using var file = new FileStream(_path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }

        _connection.Open();
        Run("PRAGMA busy_timeout = 0");
        Run("PRAGMA locking_mode = EXCLUSIVE");
        Run("PRAGMA journal_mode = WAL");
        Run("PRAGMA synchronous = FULL");
        var version = Number("PRAGMA user_version");
        if (version > FormatVersion)
        {
            throw new StateStoreException($"{_path} was written by a newer version of Myrmex (format {version})");
        }

        InTransaction(() =>
        {
            Run(Schema);
            Run($"PRAGMA user_version = {FormatVersion}");
        });
    }

    private void Load(IClock clock)
    {
        var revision = new Revision(Number("SELECT number FROM meta WHERE name = 'revision'"));
        var lastLease = new LeaseId(Number("SELECT number FROM meta WHERE name = 'last-lease'"));
        var entries = new List<StateEntry>();
        Read("SELECT key, value, created, modified, version, lease FROM entry ORDER BY key", row => entries.Add(
            new StateEntry(
                row.GetString(0), row.GetFieldValue<byte[]>(1), new Revision(row.GetInt64(2)),
                new Revision(row.GetInt64(3)), row.GetInt64(4), new LeaseId(row.GetInt64(5)))));
        var leases = new List<LeaseGrant>();
        Read("SELECT id, seconds FROM lease", row => leases.Add(
            new LeaseGrant(new LeaseId(row.GetInt64(0)), row.GetInt64(1))));
        Engine.Restore(revision, entries, LoadHistory(), leases, lastLease, clock.MonotonicNs);
    }

    private List<WatchBatch> LoadHistory()
    {
        var history = new List<WatchBatch>();
        var changes = new List<StateChange>();
        var current = Revision.None;
        Read("SELECT revision, key, value, created, version, lease FROM event ORDER BY revision, key", row =>
        {
            var revision = new Revision(row.GetInt64(0));
            if (revision != current)
            {
                changes = [];
                history.Add(new WatchBatch(revision, changes));
                current = revision;
            }

            var deleted = row.IsDBNull(2);
            var value = deleted ? [] : row.GetFieldValue<byte[]>(2);
            changes.Add(new StateChange(deleted ? ChangeKind.Delete : ChangeKind.Put, new StateEntry(
                row.GetString(1), value, new Revision(row.GetInt64(3)), revision, row.GetInt64(4),
                new LeaseId(row.GetInt64(5)))));
        });
        return history;
    }

    private void PersistChange(StateChange change)
    {
        var entry = change.Entry;
        object value = DBNull.Value;
        if (change.Kind == ChangeKind.Put)
        {
            value = entry.Value.ToArray();
            Run(
                "INSERT OR REPLACE INTO entry VALUES (@a, @b, @c, @d, @e, @f)",
                entry.Key, value, entry.Created.Value, entry.Modified.Value, entry.Version, entry.Lease.Value);
        }
        else
        {
            Run("DELETE FROM entry WHERE key = @a", entry.Key);
        }

        Run(
            "INSERT INTO event VALUES (@a, @b, @c, @d, @e, @f)",
            entry.Modified.Value, entry.Key, value, entry.Created.Value, entry.Version, entry.Lease.Value);
    }

    private void InTransaction(Action work)
    {
        Run("BEGIN IMMEDIATE");
        try
        {
            work();
            Run("COMMIT");
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteFull)
        {
            Run("ROLLBACK");
            throw new TransactionRefusedException($"{_path}: the disk is full", e);
        }
    }

    private long Number(string sql)
    {
        var number = 0L;
        Read(sql, row => number = row.GetInt64(0));
        return number;
    }

    private void Read(string sql, Action<SqliteDataReader> row)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            row(reader);
        }
    }

    /// <summary>Runs a statement; its parameters are named @a, @b and so on. Statements are prepared once.</summary>
    private void Run(string sql, params ReadOnlySpan<object> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
            {
                command.Parameters.Add(new SqliteParameter("@" + (char)('a' + i), null));
            }

            _commands.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }

        command.ExecuteNonQuery();
    }
}
