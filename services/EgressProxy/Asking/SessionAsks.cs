using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;

namespace Gatehouse.EgressProxy.Asking;

/// <summary>One session's questions and answers: a destination is asked about once at a time, and whoever wants it meanwhile waits for the same answer.</summary>
/// <param name="mostHeld">Connections that wait at a time.</param>
/// <param name="askAgainAfter">How long a no that was for once holds.</param>
/// <param name="policy">The one in force: another object after each reload.</param>
/// <param name="time">Its timestamps.</param>
internal sealed class SessionAsks(int mostHeld, TimeSpan askAgainAfter, Func<object> policy, TimeProvider time)
{
    /// <summary>The gate looks at the file twice a second, and takes it over when two looks agree. Until then, the new rule is not in force.</summary>
    public static TimeSpan UntilReload { get; } = TimeSpan.FromSeconds(10);


    /// <summary>Answers that are remembered; a person gives fewer. Beyond, it is asked again.</summary>
    private const int MostRemembered = 4_096;

    private readonly Lock _lock = new();
    private readonly Dictionary<Destination, SharedAsk> _waiting = [];
    private readonly Dictionary<Destination, Denial> _answered = [];
    private readonly Dictionary<Destination, (Denial Denial, long At)> _refused = [];

    /// <summary>What a rule in the file allows: the rule counts, not the answer, or taking it out would change nothing.</summary>
    private readonly Dictionary<Destination, (object Policy, long At)> _written = [];

    private int _held;

    /// <returns>An answer that is known, or the ask to wait for; then <see cref="Leave"/> is called.</returns>
    public (Denial Known, SharedAsk? Ask) Join(Destination to, Func<CancellationToken, Task<AskAnswer>> ask)
    {
        SharedAsk mine;
        lock (_lock)
        {
            if (_answered.TryGetValue(to, out var answer))
                return (answer, null);
            if (_written.TryGetValue(to, out var written))
            {
                if (written.Policy == policy() && time.GetElapsedTime(written.At) < UntilReload)
                    return (Denial.None, null);
                _written.Remove(to);
            }

            if (_refused.TryGetValue(to, out var refused))
            {
                if (time.GetElapsedTime(refused.At) < askAgainAfter)
                    return (refused.Denial, null);
                _refused.Remove(to);
            }

            if (_held >= mostHeld)
                return (Denial.TooManyHeld, null);
            _held++;
            if (_waiting.TryGetValue(to, out var other))
            {
                other.Waiters++;
                return (default, other);
            }

            mine = _waiting[to] = new SharedAsk(to);
        }

        _ = RunAsync(mine, ask);
        return (default, mine);
    }

    /// <summary>The last who leaves takes the question back. All leave at the session's end: the question needs no tie to that, which would last as long.</summary>
    public void Leave(SharedAsk ask)
    {
        lock (_lock)
        {
            _held--;
            if (--ask.Waiters > 0)
                return;
            Drop(ask);
        }

        ask.Cancel();
    }

    private async Task RunAsync(SharedAsk shared, Func<CancellationToken, Task<AskAnswer>> ask)
    {
        var denial = Denial.Unapproved;
        try
        {
            var answer = await ask(shared.Token);
            denial = DenialOf(answer);
            lock (_lock)
            {
                Drop(shared);
                Remember(shared.To, answer, denial);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for it any more.
        }
        catch (Exception)
        {
            denial = Denial.NobodyToAsk;
            lock (_lock)
                Drop(shared);
        }
        finally
        {
            shared.Complete(denial);
        }
    }

    // Another may have been asked about the same destination since.
    private void Drop(SharedAsk ask)
    {
        if (_waiting.GetValueOrDefault(ask.To) == ask)
            _waiting.Remove(ask.To);
    }

    private void Remember(Destination to, AskAnswer answer, Denial denial)
    {
        if (answer is AskAnswer.Allowed or AskAnswer.Denied && _answered.Count < MostRemembered)
            _answered[to] = denial;
        if (answer is AskAnswer.AllowedAlways)
        {
            if (_written.Count >= MostRemembered)
                _written.Clear();
            _written[to] = (policy(), time.GetTimestamp());
        }

        if (answer is not (AskAnswer.DeniedOnce or AskAnswer.Expired))
            return;
        // Forgetting early only means that a person is asked again, within the sink's bounds.
        if (_refused.Count >= MostRemembered)
            _refused.Clear();
        _refused[to] = (denial, time.GetTimestamp());
    }

    private static Denial DenialOf(AskAnswer answer) => answer switch
    {
        AskAnswer.AllowedOnce or AskAnswer.Allowed or AskAnswer.AllowedAlways => Denial.None,
        AskAnswer.DeniedOnce or AskAnswer.Denied => Denial.Refused,
        AskAnswer.Expired => Denial.Unanswered,
        AskAnswer.TooMany => Denial.TooManyHeld,
        _ => Denial.NobodyToAsk,
    };
}

/// <summary>A question, and everybody who waits for its answer.</summary>
internal sealed class SharedAsk(Destination to)
{
    private readonly TaskCompletionSource<Denial> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cancelled = new();

    public Destination To => to;

    /// <summary>Changed under the session's lock only.</summary>
    public int Waiters { get; set; } = 1;

    public Task<Denial> Answer => _answer.Task;

    public CancellationToken Token => _cancelled.Token;

    public void Complete(Denial denial) => _answer.TrySetResult(denial);

    public void Cancel() => _cancelled.Cancel();
}
