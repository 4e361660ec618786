using System.Net;
using Gatehouse.Gate;
using Gatehouse.Gate.Recording;

namespace Gatehouse.EgressProxy.Decisions;

/// <summary>Decides and records, in this order and before anything takes effect. What can not be recorded is denied.</summary>
internal sealed class Checkpoint(EventRecorder recorder, Asking.AskDesk desk, TimeProvider time)
{
    public const string Connect = "connect";
    public const string Request = "request";

    /// <summary>Decides an attempt to connect.</summary>
    public Passage Pass(GateSession session, in Attempt attempt, IPEndPoint dialled) =>
        Record(session, Connect, attempt.To.ToString(), attempt, Decide(session, attempt), dialled);

    /// <summary>Decides an attempt to connect; where the policy says to ask, after a person has answered.</summary>
    /// <param name="isGone">Completes when the agent has hung up: nobody needs to be asked then.</param>
    public async Task<Passage> PassAsync(GateSession session, Attempt attempt, IPEndPoint dialled, Func<CancellationToken, Task> isGone, CancellationToken cancellationToken)
    {
        var decision = await DecideAsync(session, attempt, isGone, cancellationToken);
        return Record(session, Connect, attempt.To.ToString(), attempt, decision, dialled);
    }

    /// <summary>As the policy says; what it wants a person asked about is held until then.</summary>
    public async Task<Decision> DecideAsync(GateSession session, Attempt attempt, Func<CancellationToken, Task> isGone, CancellationToken cancellationToken)
    {
        var decision = Decide(session, attempt);
        if (!decision.IsHeld)
            return decision;
        var denial = await desk.AskAsync(session, attempt.To, decision.Rule!, isGone, cancellationToken);
        // Decided anew: the policy may be another one by now, and its word counts.
        return denial == Denial.None
            ? Decide(session, attempt with { IsApproved = true })
            : Decision.Deny(denial, attempt, decision.Rule!.Name);
    }

    /// <summary>Records a denial that needs no policy.</summary>
    public Passage Deny(GateSession session, in Attempt attempt, Denial denial, IPEndPoint dialled) =>
        Record(session, Connect, attempt.To.ToString(), attempt, Decision.Deny(denial, attempt), dialled);

    public Passage Record(
        GateSession session, string action, string subject, Attempt attempt, Decision decision, IPEndPoint dialled)
    {
        var start = time.GetTimestamp();
        var id = recorder.TryRecord(session, action, subject, decision.Verdict, detail =>
        {
            detail["via"] = attempt.Via.Word();
            if (attempt.Via is not (Way.Connect or Way.ProxyHttp))
                detail["dialled"] = dialled.ToString();
            if (attempt.Opening == Opening.Tls)
            {
                detail["serverName"] = attempt.Hello.ServerName?.ToString();
                detail["protocols"] = attempt.Hello.Protocols is { IsDefaultOrEmpty: false } protocols ? string.Join(' ', protocols) : null;
            }

            // The subject is what the request says; decided is on what was dialled.
            if (attempt.Opening == Opening.Http && attempt.Authority != attempt.To)
                detail["destination"] = attempt.To.ToString();
            if (!decision.IsAllowed)
                detail["denial"] = DenialText.Word(decision.Denial);
        });
        if (id is null && decision.IsAllowed)
            decision = Decision.Deny(Denial.RecordUnavailable, attempt, decision.Verdict.Rule) with { Took = decision.Took };
        recorder.Decided(decision.IsAllowed, decision.Took + time.GetElapsedTime(start));
        return new Passage(decision, action, subject, id ?? Guid.Empty);
    }

    private Decision Decide(GateSession session, in Attempt attempt)
    {
        var start = time.GetTimestamp();
        var decision = EgressDecider.Decide(session.Policy.Egress, attempt);
        return decision with { Took = time.GetElapsedTime(start) };
    }

    /// <summary>Records how an allowed attempt ended.</summary>
    /// <param name="outcome">In one word.</param>
    public void End(GateSession session, in Passage passage, long sent, long received, TimeSpan duration, string outcome) =>
        recorder.RecordEnd(
            session, passage.Id, passage.Action + ".end", passage.Subject, sent, received, duration, detail => detail["outcome"] = outcome);
}

/// <summary>A decision with its record.</summary>
internal readonly record struct Passage(Decision Decision, string Action, string Subject, Guid Id)
{
    public bool IsOpen => Decision.IsAllowed;
}
