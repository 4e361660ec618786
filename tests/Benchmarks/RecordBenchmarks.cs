using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Gatehouse.LogSink.Ingest;
using Gatehouse.LogSink.Store;
using Gatehouse.Record;
using Microsoft.Data.Sqlite;

namespace Gatehouse.Benchmarks;

/// <summary>What one event costs the log sink, step by step; without the disk. Times are of one event.</summary>
[MemoryDiagnoser]
public class RecordBenchmarks
{
    private const int Events = 1_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("record-benchmarks-").FullName;
    private readonly CanonicalForm _form = new();
    private byte[] _lines = [];
    private List<EventRow> _rows = [];
    private SqliteConnection _connection = null!;
    private EventInsert _insert = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        _lines = RecordLoad.Lines(1);
        _rows = (await Parse()).Rows;
        var database = new EventDatabase(Path.Combine(_folder, "events.db"));
        database.Prepare();
        _connection = database.OpenWriter();
        _insert = new(_connection);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _insert.Dispose();
        _connection.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>NDJSON to rows, on a request's thread.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public async Task<int> Parsing() => (await Parse()).Rows.Count;

    /// <summary>Canonical form and SHA-256.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public byte[] Hashing()
    {
        var hash = new byte[ChainHead.HashLength];
        for (var i = 0; i < _rows.Count; i++)
            hash = _form.Hash(hash, i, _rows[i]);
        return hash;
    }

    /// <summary>With its hash, into the table and its indices; rolled back.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public long Inserting()
    {
        using var transaction = _connection.BeginTransaction(deferred: false);
        var head = new ChainHead(0, new byte[ChainHead.HashLength]);
        foreach (var row in _rows)
            head = _insert.Run(head, row)!;
        transaction.Rollback();
        return head.Sequence;
    }

    private Task<LinesResult> Parse() => EventLines.ReadAsync(PipeReader.Create(new(_lines)), CancellationToken.None);
}
