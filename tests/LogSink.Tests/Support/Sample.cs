using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>Events as a gate makes them.</summary>
internal static class Sample
{
    public static BoundaryEvent Event(string session = "s1", string subject = "example.com A") => new()
    {
        Id = Guid.CreateVersion7(),
        Time = new(2026, 11, 23, 15, 30, 12, TimeSpan.FromHours(1)),
        Session = session,
        Gate = Boundary.Dns,
        Action = "query",
        Subject = subject,
        Verdict = VerdictKind.Allowed,
    };

    public static BoundaryEvent Full() => Event() with
    {
        Gate = Boundary.Egress,
        Verdict = VerdictKind.Denied,
        Rule = "egress.allow[2]",
        Reason = "not allowed: \"<b>\"",
        BytesSent = 1,
        BytesReceived = 2,
        DurationMs = 3.25,
        TraceId = "0af7651916cd43dd8448eb211c80319c",
        Attempt = Guid.CreateVersion7(),
        Detail = ImmutableSortedDictionary<string, string>.Empty.Add("via", "connect").Add("å", "漢🙂\u0000\e[2J"),
    };

    public static BoundaryEvent[] Many(int count, string session = "s1") =>
        [.. Enumerable.Range(1, count).Select(i => Event(session, $"name{i}.example.com A"))];

    public static string Line(BoundaryEvent each) => JsonSerializer.Serialize(each, EventJson.Default.BoundaryEvent);

    public static string Lines(params IEnumerable<BoundaryEvent> events) => string.Concat(events.Select(each => Line(each) + "\n"));
}
