using Gatehouse.Policy;
using Gatehouse.Policy.Egress;

namespace Gatehouse.EgressProxy.Decisions;

/// <summary>The outcome: a rule to carry out, or a denial. The default denies.</summary>
/// <param name="Denial"><see cref="Decisions.Denial.None"/> when allowed.</param>
/// <param name="Rule">Set when allowed, and when a person may allow it.</param>
/// <param name="Verdict">For the record.</param>
internal readonly record struct Decision(Denial Denial, EgressRule? Rule, Verdict Verdict)
{
    /// <summary>How long deciding took, without a person's time.</summary>
    public TimeSpan Took { get; init; }

    public bool IsAllowed => Verdict.IsAllowed && Denial == Denial.None && Rule is not null;

    /// <summary>Denied unless a person says yes.</summary>
    public bool IsHeld => Denial == Denial.Unapproved && Rule is not null;

    public static Decision Deny(Denial denial, in Attempt attempt, string? rule = null) =>
        new(denial, null, Verdict.Deny(DenialText.Reason(denial, attempt.To, attempt), rule));
}
