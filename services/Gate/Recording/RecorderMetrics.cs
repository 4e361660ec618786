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

    public RecorderMetrics(IMeterFactory meters, Func<int> queued, Func<long> spooled)
    {
        var meter = meters.Create("Gatehouse.Gate");
        _decisions = meter.CreateCounter<long>("gatehouse.decisions", "{decision}", "Verdicts, by gate");
        _unrecorded = meter.CreateCounter<long>("gatehouse.recorder.refused", "{event}",
            "Attempts denied because they could not be recorded, and ends that were lost");
        _bytes = meter.CreateCounter<long>("gatehouse.bytes", "By", "Data of allowed attempts, by gate and direction");
        _duration = meter.CreateHistogram<double>("gatehouse.attempt.duration", "s", "Allowed attempts, from their beginning to their end, by gate");
        meter.CreateObservableGauge("gatehouse.recorder.queue", queued, "{event}", "Events that wait in memory for the spool");
        meter.CreateObservableGauge("gatehouse.recorder.spool", spooled, "By", "Bytes that wait in the spool for the log sink");
    }

    public void Decided(Boundary gate, VerdictKind verdict) =>
        _decisions.Add(
            1, new("gatehouse.gate", DecisionSpans.Word(gate)),
            new("gatehouse.verdict", verdict == VerdictKind.Allowed ? "allowed" : "denied"));

    public void Ended(BoundaryEvent each)
    {
        var gate = new KeyValuePair<string, object?>("gatehouse.gate", DecisionSpans.Word(each.Gate));
        _bytes.Add(each.BytesSent, gate, new("network.io.direction", "transmit"));
        _bytes.Add(each.BytesReceived, gate, new("network.io.direction", "receive"));
        _duration.Record(each.DurationMs / 1_000, gate);
    }

    public void Refused() => _unrecorded.Add(1);
}
