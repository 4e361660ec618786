using System.Text.Json;
using Gatehouse.LogSink.Otlp;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>The spans of one attempt: those of its records, what they stand under, and what stands under them.</summary>
internal sealed class AttemptTraces(SpanStore store)
{
    /// <summary>Spans of one attempt: a decision and its end are two.</summary>
    public const int Most = 100;

    /// <summary>Levels that are shown apart.</summary>
    private const int MostDepth = 8;

    /// <summary>What every gate says of a span: the record's id.</summary>
    private const string EventId = "gatehouse.event.id";

    /// <param name="session">Whose.</param>
    /// <param name="events">Ids of the attempt's records.</param>
    public AttemptTrace Read(string session, IReadOnlyCollection<Guid> events)
    {
        var spans = store.Of(session);
        var ids = events.Select(id => id.ToString()).ToHashSet(StringComparer.Ordinal);
        var own = spans.Where(span => IsOf(span, ids)).ToList();
        return own.Count == 0 ? new([], 0, spans.Count) : Arrange(own, Around(spans, own), spans.Count);
    }

    // Whatever parents a sender claims: each span is taken once, so that a circle ends.
    private static HashSet<SpanRow> Around(List<SpanRow> spans, List<SpanRow> own)
    {
        var known = new Dictionary<(string, string), SpanRow>();
        foreach (var span in spans)
            known.TryAdd((span.Trace, span.Span), span);
        var below = spans.Where(span => span.Parent is not null).ToLookup(span => (span.Trace, span.Parent!));
        var all = new HashSet<SpanRow>(ReferenceEqualityComparer.Instance);
        var pending = new Queue<SpanRow>(own);
        while (pending.TryDequeue(out var span))
        {
            if (!all.Add(span))
                continue;
            foreach (var child in below[(span.Trace, span.Span)])
                pending.Enqueue(child);
        }

        foreach (var span in own)
        {
            for (var at = span; at.Parent is { } parent && known.TryGetValue((at.Trace, parent), out var above) && all.Add(above);)
                at = above;
        }

        return all;
    }

    private static AttemptTrace Arrange(List<SpanRow> own, HashSet<SpanRow> all, int received)
    {
        // What stands above may have begun hours ago: the attempt is the scale.
        var zero = own.Min(span => span.Start);
        var end = own.Max(span => span.End);
        var lasted = Math.Max(1, Between(zero, end));
        var present = all.Select(span => (span.Trace, span.Span)).ToHashSet();
        var below = all.Where(span => span.Parent is not null).ToLookup(span => (span.Trace, span.Parent!));
        var lines = new List<SpanLine>();
        var done = new HashSet<SpanRow>(ReferenceEqualityComparer.Instance);
        var ordered = all.OrderBy(span => span.Start).ThenBy(span => span.Span, StringComparer.Ordinal).ToList();
        // Those in a circle have no beginning; they come last, and are shown all the same.
        foreach (var root in ordered.Where(span => span.Parent is null || !present.Contains((span.Trace, span.Parent))).Concat(ordered))
            Descend(root, 0);
        return new(lines, all.Count - lines.Count, received);

        void Descend(SpanRow first, int firstDepth)
        {
            var open = new Stack<(SpanRow Span, int Depth)>([(first, firstDepth)]);
            while (lines.Count < Most && open.TryPop(out var next))
            {
                if (!done.Add(next.Span))
                    continue;
                lines.Add(Line(next.Span, next.Depth));
                foreach (var child in below[(next.Span.Trace, next.Span.Span)].OrderByDescending(span => span.Start))
                    open.Push((child, Math.Min(next.Depth + 1, MostDepth)));
            }
        }

        SpanLine Line(SpanRow span, int depth)
        {
            var from = Math.Clamp(Between(zero, span.Start) / lasted, 0, 1);
            var to = Math.Clamp(Between(zero, span.End) / lasted, from, 1);
            return new(depth, span.Name, span.Service, Between(zero, span.Start) / 1e6, Math.Max(0, Between(span.Start, span.End)) / 1e6, span.Status == 2, span.Message, from, to);
        }
    }

    // Nanoseconds. A sender's times may be any; a double of today's has no room for the last three digits.
    private static double Between(long from, long to) => (double)((Int128)to - from);

    private static bool IsOf(SpanRow span, HashSet<string> ids)
    {
        if (!ids.Any(id => span.Attributes.Contains(id, StringComparison.Ordinal)))
            return false;
        using var attributes = JsonDocument.Parse(span.Attributes);
        return attributes.RootElement.TryGetProperty(EventId, out var id) && id.ValueKind == JsonValueKind.String && ids.Contains(id.GetString()!);
    }
}

/// <param name="Spans">Each before those that stand under it, by time.</param>
/// <param name="More">How many are not among them.</param>
/// <param name="Received">Spans of the session in all.</param>
internal sealed record AttemptTrace(List<SpanLine> Spans, int More, int Received);

/// <param name="Depth">0 for the topmost.</param>
/// <param name="Name">Sender's.</param>
/// <param name="Service">Sender's.</param>
/// <param name="Offset">Milliseconds since the attempt's first span began; negative for what began before.</param>
/// <param name="Lasted">Milliseconds.</param>
/// <param name="IsError">OTLP status 2.</param>
/// <param name="Message">Why.</param>
/// <param name="From">Of the attempt's time, 0 to 1.</param>
/// <param name="To">Likewise, not before.</param>
internal sealed record SpanLine(int Depth, string Name, string Service, double Offset, double Lasted, bool IsError, string? Message, double From, double To);
