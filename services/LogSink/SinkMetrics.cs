using System.Diagnostics.Metrics;
using Gatehouse.LogSink.Ingest;

namespace Gatehouse.LogSink;

/// <summary>How ingest does.</summary>
internal sealed class SinkMetrics : IDisposable
{
    public const string MeterName = "Gatehouse.LogSink";

    private readonly Meter _meter;
    private readonly TimeProvider _time;
    private readonly Counter<long> _stored;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _failed;
    private readonly Histogram<int> _size;
    private readonly Histogram<double> _duration;

    public SinkMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        _meter = meters.Create(MeterName);
        _stored = _meter.CreateCounter<long>("gatehouse.log_sink.events.stored", "{event}", "Events stored");
        _duplicates = _meter.CreateCounter<long>("gatehouse.log_sink.events.duplicates", "{event}", "Events that were stored before");
        _failed = _meter.CreateCounter<long>("gatehouse.log_sink.commits.failed", "{commit}", "Commits that the disk refused");
        _size = _meter.CreateHistogram<int>("gatehouse.log_sink.commit.size", "{event}", "Events in one commit");
        _duration = _meter.CreateHistogram<double>("gatehouse.log_sink.commit.duration", "s", "From the first event of a commit to its being on the disk");
    }

    public long Now() => _time.GetTimestamp();

    public void Committed(List<BatchOutcome> outcomes, long started)
    {
        var stored = outcomes.Sum(outcome => outcome.Stored);
        _stored.Add(stored);
        _duplicates.Add(outcomes.Sum(outcome => outcome.Duplicates));
        _size.Record(stored);
        _duration.Record(_time.GetElapsedTime(started).TotalSeconds);
    }

    public void Failed() => _failed.Add(1);

    public void Dispose() => _meter.Dispose();
}
