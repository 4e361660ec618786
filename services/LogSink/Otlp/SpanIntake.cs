namespace Gatehouse.LogSink.Otlp;

/// <summary>What an exporter is answered, whichever way its request came: an <c>ExportTraceServiceResponse</c>, or that of logs and metrics, which has the same form.</summary>
internal sealed class SpanIntake(SpanStore store) : IDisposable
{
    /// <summary>More than there are exporters on a machine, and few enough that their requests (4 MiB as they come, and as much inflated) fit in memory.</summary>
    public const int MostAtOnce = 8;

    /// <summary>An exporter gives up on an answer after about as long.</summary>
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    /// <summary>To logs and metrics. An exporter of all three does not fail for ever, and says so once.</summary>
    public static ReadOnlyMemory<byte> Dropped { get; } = Answer(0, "the log sink keeps traces only");

    /// <summary>Waits for a place. Before the request is read, and <see cref="Leave"/> after it was answered.</summary>
    /// <returns>False when there is none: send it again later.</returns>
    public Task<bool> TryEnterAsync(CancellationToken cancellationToken) => _slots.WaitAsync(s_wait, cancellationToken);

    public void Leave() => _slots.Release();

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

    public void Dispose() => _slots.Dispose();
}
