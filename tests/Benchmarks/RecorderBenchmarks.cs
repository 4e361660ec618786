using System.Collections.Immutable;
using BenchmarkDotNet.Attributes;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Benchmarks;

/// <summary>What one event costs a gate before it answers, step by step; in the page cache, without what delivers it.</summary>
[MemoryDiagnoser]
public class RecorderBenchmarks
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recorder-benchmarks-").FullName;
    private readonly BoundaryEvent _event = new()
    {
        Id = Guid.CreateVersion7(),
        Time = TimeProvider.System.GetUtcNow(),
        Session = "20261124-092713-4f2a",
        Gate = Boundary.Egress,
        Action = "connect",
        Subject = "registry.npmjs.org:443",
        Verdict = VerdictKind.Allowed,
        Rule = "egress.allow[3] registry.npmjs.org",
        TraceId = "4bf92f3577b34da6a3ce929d0e0e4736",
        Detail = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("via", "connect"), KeyValuePair.Create("protocols", "h2 http/1.1")]),
    };

    private SpoolFile _spool = null!;
    private byte[] _line = [];
    private int _pending;

    [GlobalSetup]
    public void SetUp()
    {
        _spool = new(Path.Combine(_folder, "spool.ndjson"), 64 * 1024 * 1024);
        _line = EventLine.Of(_event).ToArray();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _spool.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark]
    public Guid Id() => EventId.Create(_event.Time);

    [Benchmark]
    public object Detail()
    {
        var detail = new EventDetail { ["via"] = _event.Action, ["protocols"] = _event.Session };
        return detail.Values.ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    [Benchmark]
    public object Bounding() => EventDraft.Bound(_event);

    [Benchmark]
    public int Line() => EventLine.Of(_event).Length;

    /// <summary>Each 64 KiB delivered, as a busy gate does.</summary>
    [Benchmark]
    public bool Append()
    {
        if ((_pending += _line.Length) > 64 * 1024)
        {
            _spool.Deliver(_spool.Peek(1_000, 1024 * 1024).Length);
            _pending = _line.Length;
        }

        return _spool.TryAppend(_line);
    }
}
