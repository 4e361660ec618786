namespace Gatehouse.Policy;

/// <summary>The outcome of one decision, with the rule that made it and the reason in words the agent may see.</summary>
public readonly record struct Verdict(VerdictKind Kind, string? Rule, string Reason)
{
    public bool IsAllowed => Kind == VerdictKind.Allowed;

    public static Verdict Allow(string rule) => new(VerdictKind.Allowed, rule, "");

    public static Verdict Deny(string reason, string? rule = null) => new(VerdictKind.Denied, rule, reason);
}

/// <summary>The zero value denies: an unset verdict lets nothing through.</summary>
public enum VerdictKind
{
    Denied,
    Allowed,
}
