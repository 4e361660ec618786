using System.Diagnostics;
using System.Globalization;
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
        SetSubject(span, each);
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

    // Subjects: "name TYPE" · "host:port" · "METHOD url" · "METHOD name/path"
    private static void SetSubject(Activity span, BoundaryEvent each)
    {
        var space = each.Subject.IndexOf(' ', StringComparison.Ordinal);
        var first = space < 0 ? each.Subject : each.Subject[..space];
        if (each.Gate == Boundary.Dns)
        {
            span.SetTag("dns.question.name", first);
        }
        else if (each.Action.StartsWith("connect", StringComparison.Ordinal) && each.Subject.LastIndexOf(':') is > 0 and var colon)
        {
            span.SetTag("server.address", each.Subject[..colon].Trim('[', ']'));
            if (int.TryParse(each.Subject.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
                span.SetTag("server.port", port);
        }
        else if (each.Action.StartsWith("request", StringComparison.Ordinal) && space > 0)
        {
            var target = each.Subject[(space + 1)..];
            span.SetTag("http.request.method", first);
            if (Uri.TryCreate(target, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
                span.SetTag("url.full", target).SetTag("server.address", uri.Host).SetTag("server.port", uri.Port);
            else
                span.SetTag("url.path", target);
        }
    }
}
