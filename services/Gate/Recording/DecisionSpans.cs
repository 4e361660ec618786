using System.Diagnostics;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>Each event as a span under its session's trace, named by OpenTelemetry's semantic conventions where they have a word.</summary>
internal static class DecisionSpans
{
    private static readonly ActivitySource s_source = new("Gatehouse.Gate");

    public static void Emit(GateSession session, BoundaryEvent each)
    {
        if (!s_source.HasListeners())
            return;
        // Of a session without a trace it is a root: whatever this thread is in the middle of is not recorded.
        var current = Activity.Current;
        Activity.Current = null;
        EmitSpan(session, each);
        Activity.Current = current;
    }

    private static void EmitSpan(GateSession session, BoundaryEvent each)
    {
        var start = each.Time - TimeSpan.FromMilliseconds(each.DurationMs);
        using var span = s_source.StartActivity(ActivityKind.Server, session.Trace, startTime: start, name: $"{Word(each.Gate)} {each.Action}");
        if (span is null)
            return;
        span.SetTag("session.id", each.Session)
            .SetTag("gatehouse.gate", Word(each.Gate))
            .SetTag("gatehouse.event.id", each.Id.ToString())
            .SetTag("gatehouse.subject", each.Subject)
            .SetTag("gatehouse.verdict", each.Verdict == VerdictKind.Allowed ? "allowed" : "denied")
            .SetTag("gatehouse.rule", each.Rule)
            .SetTag("gatehouse.reason", each.Reason);
        foreach (var (name, value) in SubjectAttributes.Of(Word(each.Gate), each.Action, each.Subject))
            span.SetTag(name, value);
        if (each.Attempt is not null)
            span.SetTag("gatehouse.bytes.sent", each.BytesSent).SetTag("gatehouse.bytes.received", each.BytesReceived);
        if (each.Detail is not null)
        {
            foreach (var (name, value) in each.Detail)
                span.SetTag("gatehouse.detail." + name, value);
        }
        if (each.Verdict == VerdictKind.Denied)
            span.SetStatus(ActivityStatusCode.Error, each.Reason);
    }

    /// <summary>As in events: <c>dns</c>, <c>egress</c>, …</summary>
    public static string Word(Boundary boundary) => boundary switch
    {
        Boundary.Dns => "dns",
        Boundary.Egress => "egress",
        Boundary.Secrets => "secrets",
        Boundary.Filesystem => "filesystem",
        Boundary.Execution => "execution",
        _ => "sandbox",
    };
}
