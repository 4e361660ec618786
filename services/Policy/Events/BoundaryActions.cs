namespace Gatehouse.Policy.Events;

/// <summary>Actions that mean something to more than who records them.</summary>
public static class BoundaryActions
{
    /// <summary>
    /// A gate's last word on a session: detail <c>records</c> is the number of events that it recorded of it, seals not counted. Several seals of one gate add
    /// up: of a gate that was started anew, or that had more to record after the first.
    /// </summary>
    public const string Seal = "seal";

    /// <summary>
    /// What became of the files that a session changed. Subject: in words; detail <c>waiting</c>: changes that are neither applied nor thrown away, absent where
    /// they could not be counted. At the session's end.
    /// </summary>
    public const string Changes = "changes";

    /// <inheritdoc cref="Changes"/>
    public const string ChangesApplied = "changes.applied", ChangesUndone = "changes.undone", ChangesDiscarded = "changes.discarded";

    /// <summary>
    /// Begins what says how a question to a person ended: <c>ask.allowed</c>, <c>ask.denied</c>, <c>ask.expired</c>, <c>ask.failed</c>. No attempt of the agent's:
    /// what it waited for has a verdict of its own.
    /// </summary>
    public const string AskPrefix = "ask.";

    public static bool IsAsk(string action) => action.StartsWith(AskPrefix, StringComparison.Ordinal);

    /// <summary>A person changed the session's policy. Subject: the file; detail <c>who</c>: console or terminal; <c>before</c>, <c>after</c>: SHA-256 in hexadecimal.</summary>
    public const string PolicyEdited = "policy.edited";

    /// <summary>The same that did not come: the reason says why.</summary>
    public const string PolicyFailed = "policy.failed";
}
