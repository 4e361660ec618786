using System.Diagnostics.Metrics;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>What a recorder tells a dashboard about itself.</summary>
internal sealed class RecorderMetrics
{
    private readonly Counter<long> _decisions;
    private readonly Counter<long> _unrecorded;

    public RecorderMetrics(IMeterFactory meters, Func<int> queued, Func<long> spooled)
    {
        var meter = meters.Create("Gatehouse.Gate");
        _decisions = meter.CreateCounter<long>("gatehouse.decisions", "{decision}", "Verdicts, by gate");
        _unrecorded = meter.CreateCounter<long>("gatehouse.recorder.refused", "{event}",
            "Attempts denied because they could not be recorded, and ends that were lost");
        meter.CreateObservableGauge("gatehouse.recorder.queue", queued, "{event}", "Events that wait in memory for the spool");
        meter.CreateObservableGauge("gatehouse.recorder.spool", spooled, "By", "Bytes that wait in the spool for the log sink");
    }

    public void Decided(Boundary gate, VerdictKind verdict) =>
        _decisions.Add(
            1, new("gatehouse.gate", DecisionSpans.Word(gate)),
            new("gatehouse.verdict", verdict == VerdictKind.Allowed ? "allowed" : "denied"));

    public void Refused() => _unrecorded.Add(1);
}
