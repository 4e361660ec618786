using System.Collections.Immutable;

namespace Gatehouse.LogSink.Asks;

/// <summary>
/// What waits for a person. In memory: a gate whose ask is gone denies, and so does one whose sink is gone. Everything is bounded, since an agent
/// decides how many destinations it tries.
/// </summary>
internal sealed partial class AskBoard(AskRecord record, PolicyFiles policies, TimeProvider time, ILogger<AskBoard> log)
{
    /// <summary>More than a person ever reads.</summary>
    public const int MostPerSession = 64, Most = 1_024;

    /// <summary>Who takes an ask back.</summary>
    private const string Gate = "gate";

    /// <summary>As the policy's own bound.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);

    /// <summary>How long an answer is kept for the gate to fetch.</summary>
    private static readonly TimeSpan s_kept = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HeldAsk> _held = new(StringComparer.Ordinal);
    private ImmutableArray<Ask> _waiting = [];

    /// <summary>Raised after every change, on whatever thread made it. Handlers return at once.</summary>
    public event Action? Changed;

    /// <summary>Oldest first.</summary>
    public ImmutableArray<Ask> Waiting
    {
        get
        {
            lock (_lock)
                return _waiting;
        }
    }

    /// <returns>Null when it waits now, else why not.</returns>
    public AddProblem? Add(Ask ask)
    {
        var now = time.GetUtcNow();
        var latest = now + s_longest;
        ask = ask with { Asked = now, Expires = ask.Expires > latest ? latest : ask.Expires };
        if (ask.Expires <= now)
            return AddProblem.Expired;
        var held = new HeldAsk(ask, ask.Expires - now, time);
        lock (_lock)
        {
            if (_held.ContainsKey(ask.Id))
                return AddProblem.Known;
            // Answered ones count too until they are forgotten: an agent that is refused at once must not ask without bound. For each session
            // first, so that none uses up what the others ask with.
            if (_waiting.Length >= Most || _waiting.Count(other => other.Session == ask.Session) >= MostPerSession
                || !HasRoomFor(ask.Session) || _held.Count >= 2 * Most)
                return AddProblem.TooMany;
            _held.Add(ask.Id, held);
            _waiting = _waiting.Add(ask);
        }

        _ = ExpireAsync(held);
        RaiseChanged();
        return null;
    }

    public HeldAsk? Find(string id)
    {
        lock (_lock)
            return _held.GetValueOrDefault(id);
    }

    /// <summary>The console's answers.</summary>
    public Task<AnswerResult> AnswerAsync(string id, AskVerdict verdict, AskScope scope, CancellationToken cancellationToken) =>
        AnswerAsync(id, verdict, scope, "console", cancellationToken);

    /// <param name="who"><c>console</c> or <c>terminal</c>, for the record.</param>
    public async Task<AnswerResult> AnswerAsync(string id, AskVerdict verdict, AskScope scope, string who, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Find(id) is not { } held)
            return new(AnswerOutcome.NotFound, "no such question waits");
        if (held.Left <= TimeSpan.Zero || !TryTake(held))
            return new(AnswerOutcome.AlreadyAnswered, held.State == AskState.Waiting ? "its time is up, or somebody answers it now" : $"it is {held.State.ToString().ToLowerInvariant()} already");
        try
        {
            // Not cancelled from here on: half an answer is none.
            var state = verdict == AskVerdict.Allow ? AskState.Allowed : AskState.Denied;
            if (!await record.TryWriteAsync(held.Ask, state, scope, who))
                return new(AnswerOutcome.NotRecorded, "the record took nothing: is the disk full?");
            // The rule after the record: a policy never changes without a trace.
            if (verdict == AskVerdict.Allow && scope == AskScope.Always && policies.TryAllow(held.Ask) is { } problem)
            {
                await record.TryWriteAsync(held.Ask, AskState.Waiting, scope, who, problem);
                return new(AnswerOutcome.PolicyUnchanged, problem);
            }

            Decide(held, state, scope);
            return new(AnswerOutcome.Done);
        }
        finally
        {
            (string Who, string Reason)? ending;
            lock (_lock)
            {
                held.IsTaken = false;
                ending = held.State == AskState.Waiting ? held.Ending : null;
            }

            // Its time came while an answer was tried, which failed: nobody else ends it.
            if (ending is { } end)
                await EndAsync(held, end.Who, end.Reason);
        }
    }

    /// <summary>The gate no longer waits: its agent hung up.</summary>
    public Task WithdrawAsync(string id) => Find(id) is { } held ? EndAsync(held, Gate, "the agent hung up") : Task.CompletedTask;

    // Under the lock. What was taken back makes room: no gate comes for it, and a person who is late hears that it is unknown.
    private bool HasRoomFor(string session)
    {
        var own = _held.Values.Where(other => other.Ask.Session == session).ToList();
        return own.Count < 2 * MostPerSession
            || (own.Where(other => other.IsWithdrawn && other.State != AskState.Waiting).MinBy(other => other.Ask.Asked) is { } oldest && _held.Remove(oldest.Ask.Id));
    }

    private async Task ExpireAsync(HeldAsk held)
    {
        while (held.Left is var left && left > TimeSpan.Zero)
            await Task.Delay(left, time);
        await EndAsync(held, "nobody", "no answer in time");
    }

    private async Task EndAsync(HeldAsk held, string who, string reason)
    {
        if (!TryTake(held, (who, reason)))
            return;
        try
        {
            // Recorded or not, it ends: no is what everybody gets who can not be told.
            await record.TryWriteAsync(held.Ask, AskState.Expired, AskScope.Once, who, reason);
        }
        finally
        {
            Decide(held, AskState.Expired, AskScope.Once, isWithdrawn: who == Gate);
        }
    }

    /// <param name="held">What to answer or end.</param>
    /// <param name="ending">Who ends it, and why: kept for later while an answer is tried.</param>
    private bool TryTake(HeldAsk held, (string Who, string Reason)? ending = null)
    {
        lock (_lock)
        {
            if (held.State != AskState.Waiting)
                return false;
            if (held.IsTaken)
            {
                held.Ending ??= ending;
                return false;
            }

            held.IsTaken = true;
            return true;
        }
    }

    private void Decide(HeldAsk held, AskState state, AskScope scope, bool isWithdrawn = false)
    {
        lock (_lock)
        {
            // Also one that was answered all the same: no gate comes for it.
            held.Decide(state, scope, isWithdrawn || held.Ending?.Who == Gate);
            _waiting = _waiting.Remove(held.Ask);
        }

        _ = ForgetAsync(held.Ask.Id);
        RaiseChanged();
    }

    // What goes wrong with one who looks on is neither the asker's affair nor that of the others.
    private void RaiseChanged()
    {
        foreach (var handler in Changed?.GetInvocationList() ?? [])
        {
            try
            {
                ((Action)handler)();
            }
            catch (Exception e)
            {
                Log.NotTold(log, e);
            }
        }
    }

    private async Task ForgetAsync(string id)
    {
        await Task.Delay(s_kept, time);
        lock (_lock)
            _held.Remove(id);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "One who follows the asks could not be told of a change")]
        public static partial void NotTold(ILogger log, Exception exception);
    }
}

/// <summary>Why an ask is not taken.</summary>
internal enum AddProblem
{
    Known,
    Expired,
    TooMany,
}
