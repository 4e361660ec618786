namespace Gatehouse.LogSink.Asks;

/// <summary>One ask and where it stands. Changed under the board's lock only.</summary>
/// <param name="ask">What is asked.</param>
/// <param name="within">How long it waits.</param>
/// <param name="time">Its timestamps, not its clock: a clock that is set must not hold connections for hours.</param>
internal sealed class HeldAsk(Ask ask, TimeSpan within, TimeProvider time)
{
    private readonly long _since = time.GetTimestamp();

    private readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Ask Ask => ask;

    public AskState State { get; private set; }

    public AskScope Scope { get; private set; }

    /// <summary>Until no answer is no.</summary>
    public TimeSpan Left => within - time.GetElapsedTime(_since);

    /// <summary>An answer is being recorded: no second one is taken.</summary>
    public bool IsTaken { get; set; }

    /// <summary>It was to end, by whom and why, while an answer was being recorded: should that one fail, it ends then.</summary>
    public (string Who, string Reason)? Ending { get; set; }

    /// <summary>The gate took it back, and does not come for an answer.</summary>
    public bool IsWithdrawn { get; private set; }

    public Task Decided => _decided.Task;

    public void Decide(AskState state, AskScope scope, bool isWithdrawn)
    {
        State = state;
        Scope = scope;
        IsWithdrawn = isWithdrawn;
        _decided.TrySetResult();
    }
}
