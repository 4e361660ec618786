using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// The way from a gate to the log sink: a bounded queue, then a spool file that survives the death of this process, then the
/// sink, at least once. Injected as a singleton.
/// </summary>
public abstract class EventRecorder
{
    /// <summary>
    /// Records one attempt. False means that it could not be recorded (queue and spool full, or the sink is down and the session's policy
    /// says <see cref="WhenUnavailable.Deny"/>): the caller must then deny, whatever the verdict was.
    /// </summary>
    public abstract bool TryRecord(GateSession session, BoundaryEvent boundaryEvent);

    /// <summary>
    /// Fills in id, time, gate, session and trace, starts and ends the decision's span under the session's trace, and records.
    /// </summary>
    /// <returns>The recorded event's id, or null when the caller must deny.</returns>
    public abstract Guid? TryRecord(GateSession session, string action, string subject, Verdict verdict, Action<EventDetail>? more = null);

    /// <summary>Records how an allowed attempt ended. Never a reason to deny: the data has moved.</summary>
    public abstract void RecordEnd(
        GateSession session, Guid attempt, string action, string subject, long bytesSent, long bytesReceived, TimeSpan duration,
        Action<EventDetail>? more = null);

    /// <summary>For the metrics: how long an attempt waited for its verdict and the record of it; not for its upstream, nor for a person who was asked.</summary>
    public virtual void Decided(bool isAllowed, TimeSpan took)
    {
    }

    /// <summary>The session is over: records how many events this gate recorded of it, so that one that is missing later shows.</summary>
    public virtual void Seal(GateSession session)
    {
    }
}

/// <summary>Extra members of an event: name and value, each bounded when set.</summary>
public sealed class EventDetail
{
    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Values => _values;

    public string? this[string name]
    {
        set
        {
            if (value is not null && _values.Count < 32)
                _values[name] = value.Length <= 4096 ? value : value[..4096];
        }
    }
}
