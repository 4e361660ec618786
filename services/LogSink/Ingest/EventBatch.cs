namespace Gatehouse.LogSink.Ingest;

/// <summary>The events of one request on their way to the disk.</summary>
internal sealed class EventBatch(List<EventRow> rows)
{
    private readonly TaskCompletionSource<BatchOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<EventRow> Rows { get; } = rows;

    public Task<BatchOutcome> Outcome => _outcome.Task;

    public void Complete(BatchOutcome outcome) => _outcome.TrySetResult(outcome);
}

/// <summary>Whether a batch is on the disk, and how many of its events are there because of it.</summary>
internal readonly record struct BatchOutcome(StoreStatus Status, int Stored, int Duplicates);

internal enum StoreStatus
{
    /// <summary>Nothing can be stored now: the disk is full, damaged or gone. Nothing of the batch is stored, or all of it; sending it again is right.</summary>
    Unavailable,
    Durable,
}
