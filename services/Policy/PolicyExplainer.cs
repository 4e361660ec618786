using Gatehouse.Policy.Explaining;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy;

/// <summary>What <c>gatehouse policy explain</c> says about one destination.</summary>
/// <param name="Target">What was asked about, as understood: <c>api.github.com:443</c>, <c>127.0.0.1:80</c>.</param>
/// <param name="Verdict">As the gates would decide.</param>
/// <param name="Hint">What to change when it is denied, as a line of the policy or a sentence; empty when nothing would help.</param>
public sealed record PolicyExplanation(string Target, Verdict Verdict, string Hint)
{
    /// <summary>Denied unless a person says yes while it is held.</summary>
    public bool IsAsked { get; init; }

    /// <summary>No socket inside listens on the port: what dials it is refused, and only what goes through the proxy gets as far as a question.</summary>
    public bool IsProxyOnly { get; init; }

    public override string ToString()
    {
        if (Verdict.IsAllowed)
            return $"{Target}: allowed by {Verdict.Rule}";
        if (IsAsked)
        {
            var held = IsProxyOnly
                ? "denied to programs that dial it, since no rule names the port; through HTTPS_PROXY, held until you answer"
                : "held until you answer";
            return $"{Target}: {held} 'gatehouse pending' ({Verdict.Rule}). To allow it always: {Hint}";
        }

        var rule = Verdict.Rule is null ? "" : $" ({Verdict.Rule})";
        var hint = Hint.Length == 0 ? "" : $" To allow it: {Hint}";
        return $"{Target}: denied, {Verdict.Reason}{rule}.{hint}";
    }
}

/// <summary>Explains verdicts to the person who writes the policy.</summary>
public static class PolicyExplainer
{
    /// <param name="policy">In force.</param>
    /// <param name="text">A URL, host, host:port or address, in any spelling.</param>
    public static PolicyExplanation Explain(AgentPolicy policy, string text)
    {
        var target = Target.Read(text);
        if (target.Port is not { } port)
            return new PolicyExplanation(Shown.Plain(text), Verdict.Deny("that is no port"), "");
        if (IpLiteral.TryParse(target.Host, out var address))
            return EgressExplainer.Explain(policy.Egress, address, port);
        if (!DomainName.TryParse(target.Host, out var name, out var error))
            return new PolicyExplanation(Shown.Plain(text),
                Verdict.Deny($"that is neither a host name nor an address: {Describe(error)}"), "");
        return name.Value switch
        {
            "secrets.gatehouse" => SecretExplainer.Explain(policy.Secrets, target),
            "proxy.gatehouse" => new PolicyExplanation(name.Value, Verdict.Allow("Gatehouse's own proxy"), ""),
            _ => EgressExplainer.Explain(policy.Egress, name, port),
        };
    }

    private static string Describe(NameError error) => error switch
    {
        NameError.Empty => "it is empty",
        NameError.TooLong => $"it is longer than {DomainName.MaxLength} characters",
        NameError.EmptyLabel => "it has an empty label",
        NameError.LabelTooLong => $"a label is longer than {DomainName.MaxLabelLength} characters",
        NameError.InvalidIdna => "it is no international name that reads one way only; write its xn--… form",
        _ => "it holds a character that names do not have",
    };
}
