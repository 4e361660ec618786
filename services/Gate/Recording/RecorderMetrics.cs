using System.Diagnostics.Metrics;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>What a recorder tells a dashboard about itself.</summary>
internal sealed class RecorderMetrics
{
    private readonly Counter<long> _decisions;
    private readonly Counter<long> _unrecorded;
    private readonly Counter<long> _bytes;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _decision;

    public RecorderMetrics(IMeterFactory meters, Func<int> queued, Func<long> spooled)
    {
        var meter = meters.Create("Gatehouse.Gate");
        _decisions = meter.CreateCounter<long>("gatehouse.decisions", "{decision}", "Verdicts, by gate");
        _unrecorded = meter.CreateCounter<long>("gatehouse.recorder.refused", "{event}",
            "Attempts denied because they could not be recorded, and ends that were lost");
        _bytes = meter.CreateCounter<long>("gatehouse.bytes", "By", "Data of allowed attempts, by gate and direction");
        _duration = meter.CreateHistogram<double>("gatehouse.attempt.duration", "s", "Allowed attempts, from their beginning to their end, by gate");
        _decision = meter.CreateHistogram("gatehouse.decision.duration", "s", "What an attempt waited for its verdict and the record of it, by gate", tags: null,
            // From a question's answer to a disk that holds the record up; the default's lowest is 5 ms.
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1] });
        meter.CreateObservableGauge("gatehouse.recorder.queue", queued, "{event}", "Events that wait in memory for the spool");
        meter.CreateObservableGauge("gatehouse.recorder.spool", spooled, "By", "Bytes that wait in the spool for the log sink");
    }

    public void Decided(Boundary gate, VerdictKind verdict) => _decisions.Add(1, Gate(gate), Verdict(verdict));

    public void Took(Boundary gate, VerdictKind verdict, TimeSpan time) => _decision.Record(time.TotalSeconds, Gate(gate), Verdict(verdict));

    private static KeyValuePair<string, object?> Gate(Boundary gate) => new("gatehouse.gate", DecisionSpans.Word(gate));

    private static KeyValuePair<string, object?> Verdict(VerdictKind verdict) => new("gatehouse.verdict", verdict == VerdictKind.Allowed ? "allowed" : "denied");

    public void Ended(BoundaryEvent each)
    {
        var gate = Gate(each.Gate);
        _bytes.Add(each.BytesSent, gate, new("network.io.direction", "transmit"));
        _bytes.Add(each.BytesReceived, gate, new("network.io.direction", "receive"));
        _duration.Record(each.DurationMs / 1_000, gate);
    }

    public void Refused() => _unrecorded.Add(1);
}
