namespace Gatehouse.LogSink.Otlp;

/// <summary>What an exporter is answered, whichever way its request came: an <c>ExportTraceServiceResponse</c>, or that of logs and metrics, which has the same form.</summary>
internal sealed class SpanIntake(SpanStore store)
{
    /// <summary>To logs and metrics. An exporter of all three does not fail for ever, and says so once.</summary>
    public static ReadOnlyMemory<byte> Dropped { get; } = Answer(0, "the log sink keeps traces only");

    /// <param name="request">An <c>ExportTraceServiceRequest</c>.</param>
    /// <returns>Null when it is none.</returns>
    public ReadOnlyMemory<byte>? Take(ReadOnlySpan<byte> request)
    {
        var spans = new List<SpanRow>();
        if (!SpanReader.TryRead(request, spans))
            return null;
        var refused = spans.Count == 0 ? 0 : store.Add(spans);
        return refused == 0 ? ReadOnlyMemory<byte>.Empty : Answer(refused, $"a trace has at most {SpanStore.MostPerTrace} spans");
    }

    private static ReadOnlyMemory<byte> Answer(int refused, string message)
    {
        var answer = new ProtoWriter();
        answer.Message(1, (refused, message), static (partial, each) =>
        {
            partial.Number(1, (ulong)each.refused);
            partial.Text(2, each.message);
        });
        return answer.Written;
    }
}
