namespace Gatehouse.LogSink.Asks;

/// <summary>One ask and where it stands. Changed under the board's lock only.</summary>
internal sealed class HeldAsk(Ask ask)
{
    private readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Ask Ask => ask;

    public AskState State { get; private set; }

    public AskScope Scope { get; private set; }

    /// <summary>An answer is being recorded: no second one is taken.</summary>
    public bool IsTaken { get; set; }

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
