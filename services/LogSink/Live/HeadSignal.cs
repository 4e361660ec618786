namespace Gatehouse.LogSink.Live;

/// <summary>
/// Wakes whoever follows the record. It carries nothing: followers read the database at their own pace, so that a slow one costs the
/// writer nothing and has no queue to overflow.
/// </summary>
internal sealed class HeadSignal
{
    private TaskCompletionSource _next = New();

    /// <summary>Completes at the next <see cref="Raise"/>. Take it before looking, or a change in between is missed.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Raise() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
