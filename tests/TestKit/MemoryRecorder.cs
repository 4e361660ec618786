using System.Collections.Concurrent;
using System.Collections.Immutable;
using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.TestKit;

/// <summary>Keeps events in memory, or refuses them, for tests of a gate's decisions.</summary>
public sealed class MemoryRecorder(Boundary boundary) : EventRecorder
{
    private readonly ConcurrentQueue<BoundaryEvent> _events = new();

    public IReadOnlyCollection<BoundaryEvent> Events => _events;

    /// <summary>True: nothing can be recorded, so every attempt must be denied.</summary>
    public bool IsUnavailable { get; set; }

    public override bool TryRecord(GateSession session, BoundaryEvent boundaryEvent)
    {
        if (IsUnavailable)
            return false;
        _events.Enqueue(boundaryEvent);
        return true;
    }

    public override Guid? TryRecord(GateSession session, string action, string subject, Verdict verdict, Action<EventDetail>? more = null)
    {
        var each = Create(session, action, subject, more) with { Verdict = verdict.Kind, Rule = verdict.Rule, Reason = verdict.Reason };
        return TryRecord(session, each) ? each.Id : null;
    }

    public override void RecordEnd(
        GateSession session, Guid attempt, string action, string subject, long bytesSent, long bytesReceived, TimeSpan duration,
        Action<EventDetail>? more = null) =>
        _events.Enqueue(Create(session, action, subject, more) with
        {
            Verdict = VerdictKind.Allowed,
            Attempt = attempt,
            BytesSent = bytesSent,
            BytesReceived = bytesReceived,
            DurationMs = duration.TotalMilliseconds,
        });

    /// <summary>How long decisions took, in order.</summary>
    public ConcurrentQueue<(bool IsAllowed, TimeSpan Took)> Decisions { get; } = new();

    public override void Decided(bool isAllowed, TimeSpan took) => Decisions.Enqueue((isAllowed, took));

    /// <summary>Waits for an event.</summary>
    public async Task<BoundaryEvent> WaitForAsync(Func<BoundaryEvent, bool> predicate)
    {
        await Eventually.TrueAsync(() => _events.Any(predicate), what: "the event was recorded");
        return _events.First(predicate);
    }

    private BoundaryEvent Create(GateSession session, string action, string subject, Action<EventDetail>? more)
    {
        var detail = new EventDetail();
        more?.Invoke(detail);
        return new()
        {
            Id = Guid.CreateVersion7(),
            Time = TimeProvider.System.GetUtcNow(),
            Session = session.Id.Value,
            Gate = boundary,
            Action = action,
            Subject = subject,
            Verdict = VerdictKind.Denied,
            Detail = detail.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
    }
}
