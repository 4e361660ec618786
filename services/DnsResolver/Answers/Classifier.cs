using System.Globalization;
using System.Net;
using Gatehouse.Policy;
using Gatehouse.Policy.Names;

namespace Gatehouse.DnsResolver.Answers;

/// <summary>The decision: a pure function of policy and question.</summary>
internal static class Classifier
{
    private const string ReverseZone = ".in-addr.arpa";

    /// <param name="policy">In force.</param>
    /// <param name="text">The question's name, lower case, escaped.</param>
    /// <param name="name">Set for <see cref="QuestionKind.Allowed"/> and <see cref="QuestionKind.Asked"/>.</param>
    /// <param name="address">Set for <see cref="QuestionKind.Reverse"/>.</param>
    /// <param name="verdict">With rule and reason.</param>
    public static QuestionKind Classify(AgentPolicy policy, string text, out DomainName name, out IPAddress? address, out Verdict verdict)
    {
        name = default;
        address = null;
        verdict = Verdict.Allow("gatehouse");
        switch (text)
        {
            case "secrets.gatehouse" or "proxy.gatehouse":
                return QuestionKind.Own;
            case "localhost":
                return QuestionKind.Localhost;
            case "use-application-dns.net":
                verdict = Verdict.Deny("names are resolved by the gate alone, not over HTTPS");
                return QuestionKind.Canary;
        }

        if (text.EndsWith(".localhost", StringComparison.Ordinal))
            return QuestionKind.Localhost;
        if (TryReadReverse(text, out address))
            return QuestionKind.Reverse;
        if (!DomainName.TryParse(text, out name))
        {
            verdict = Verdict.Deny("that is not a host name");
            return QuestionKind.Blocked;
        }

        if (policy.Egress.AllowsName(name, out var rule))
        {
            verdict = Verdict.Allow(rule.Name);
            return QuestionKind.Allowed;
        }

        if (!IsOwn(text) && policy.Egress.AsksAbout(name, out var asking))
        {
            verdict = new Verdict(VerdictKind.Allowed, asking.Name, "not resolved: a person is asked when it is connected to");
            return QuestionKind.Asked;
        }

        verdict = Verdict.Deny("no rule names this host");
        return QuestionKind.Blocked;
    }

    private static bool IsOwn(string text) => text == "gatehouse" || text.EndsWith(".gatehouse", StringComparison.Ordinal);

    private static bool TryReadReverse(string text, out IPAddress? address)
    {
        address = null;
        if (!text.EndsWith(ReverseZone, StringComparison.Ordinal))
            return false;
        var parts = text[..^ReverseZone.Length].Split('.');
        if (parts.Length != 4)
            return false;
        var bytes = new byte[4];
        for (var i = 0; i < 4; i++)
        {
            if (!byte.TryParse(parts[3 - i], NumberStyles.None, CultureInfo.InvariantCulture, out bytes[i]))
                return false;
        }

        address = new(bytes);
        return true;
    }
}
