using System.Globalization;
using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy;

/// <summary>What <c>gatehouse policy explain</c> says about one destination.</summary>
/// <param name="Target">What was asked about, as understood.</param>
/// <param name="Verdict">As the gates would decide.</param>
/// <param name="Hint">What to write when it is denied; empty otherwise.</param>
public sealed record PolicyExplanation(string Target, Verdict Verdict, string Hint)
{
    public override string ToString() => Verdict.IsAllowed
        ? $"{Target}: allowed by {Verdict.Rule}"
        : $"{Target}: denied, {Verdict.Reason}{(Verdict.Rule is null ? "" : $" ({Verdict.Rule})")}.{(Hint.Length == 0 ? "" : $" To allow it: {Hint}")}";
}

/// <summary>Explains verdicts to the person who writes the policy.</summary>
public static class PolicyExplainer
{
    /// <param name="policy">In force.</param>
    /// <param name="text">A URL, host, host:port or address, in any spelling.</param>
    public static PolicyExplanation Explain(AgentPolicy policy, string text)
    {
        var (host, port) = Split(text.Trim());
        if (port is < 1 or > 65_535)
            return new(text, Verdict.Deny("that is no port"), "");
        if (IpLiteral.TryParse(host, out var address))
        {
            var shown = new IPEndPoint(address, port).ToString();
            var verdict = policy.Egress.Decide(address, port).Verdict;
            return new(shown, verdict, verdict.IsAllowed ? "" : $"egress.allow: - {{ address: {address}, ports: [{port}] }}");
        }

        if (!DomainName.TryParse(host, out var name, out var error))
            return new(text, Verdict.Deny($"that is neither a host name nor an address ({error})"), "");
        if (name.Value is "secrets.gatehouse")
            return new(name.Value, Verdict.Allow("the secrets gateway"), "");
        var decision = policy.Egress.Decide(name, port);
        return new($"{name}:{port}", decision.Verdict, decision.Verdict.IsAllowed ? "" : Hint(name, port));
    }

    private static string Hint(DomainName name, int port) =>
        port is 443 or 80 ? $"egress.allow: - host: {name}" : $"egress.allow: - {{ host: {name}, ports: [{port}] }}";

    private static (string Host, int Port) Split(string text)
    {
        var port = 443;
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            port = text[..scheme].ToLowerInvariant() switch { "http" or "ws" => 80, "ssh" => 22, "ftp" => 21, _ => 443 };
            text = text[(scheme + 3)..];
            var end = text.AsSpan().IndexOfAny('/', '?', '#');
            text = end < 0 ? text : text[..end];
            text = text[(text.LastIndexOf('@') + 1)..];
        }

        var colon = text.LastIndexOf(':');
        // Several colons without brackets are an IPv6 address, not a port.
        if (colon > 0 && (text.IndexOf(':') == colon || text[colon - 1] == ']'))
        {
            port = int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            text = text[..colon];
        }

        return (text, port);
    }
}
