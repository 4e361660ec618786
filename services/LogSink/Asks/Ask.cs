namespace Gatehouse.LogSink.Asks;

/// <summary>A connection that a gate holds until a person says yes or no. Host and port were parsed by the gate and again here; the rest is text.</summary>
/// <param name="Id">UUIDv7, made by the gate.</param>
/// <param name="Session">Whose connection it is.</param>
/// <param name="Gate"><c>egress</c>.</param>
/// <param name="Subject">As the record will call it: <c>api.example.org:443</c>.</param>
/// <param name="Host">A name in A-labels, or an address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Rule">The rule that says to ask.</param>
/// <param name="Asked">When it arrived.</param>
/// <param name="Expires">When no answer has become no.</param>
internal sealed record Ask(
    string Id, string Session, string Gate, string Subject, string Host, int Port, string? Rule, DateTimeOffset Asked, DateTimeOffset Expires);

internal enum AskVerdict
{
    Allow,
    Deny,
}

/// <summary>How far an answer reaches.</summary>
internal enum AskScope
{
    /// <summary>The connections that are held for it now.</summary>
    Once,

    /// <summary>This destination, until the session ends.</summary>
    Session,

    /// <summary>A rule in the policy file.</summary>
    Always,
}

internal enum AskState
{
    Waiting,
    Allowed,
    Denied,
    Expired,
}

/// <summary>What became of an answer.</summary>
internal enum AnswerOutcome
{
    Done,
    NotFound,

    /// <summary>Somebody was faster, or the time was up.</summary>
    AlreadyAnswered,

    /// <summary>The policy file could not be changed: the ask still waits, for an answer that does not need it.</summary>
    PolicyUnchanged,

    /// <summary>The record took nothing: what can not be recorded does not happen.</summary>
    NotRecorded,
}

/// <param name="Outcome">In one word.</param>
/// <param name="Problem">What to tell the person, when there is something to tell.</param>
internal readonly record struct AnswerResult(AnswerOutcome Outcome, string? Problem = null)
{
    public bool IsDone => Outcome == AnswerOutcome.Done;
}
