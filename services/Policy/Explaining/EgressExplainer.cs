using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Explaining;

/// <summary>Verdicts on destinations, and the line that would change them.</summary>
internal static class EgressExplainer
{
    public static PolicyExplanation Explain(EgressPolicy egress, IPAddress address, int port)
    {
        // The colons of IPv6 want quotes.
        var shown = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"\"{address}/128\"" : $"{address}/32";
        var line = string.Create(CultureInfo.InvariantCulture, $"egress.allow: - {{ address: {shown}, ports: [{port}] }}");
        return Explain(new IPEndPoint(address, port).ToString(), egress, egress.Decide(address, port), port, line);
    }

    public static PolicyExplanation Explain(EgressPolicy egress, DomainName name, int port)
    {
        var decision = egress.Decide(name, port);
        // The apex beside a wildcard is the mistake that everybody makes once.
        if (!decision.Verdict.IsAllowed && decision.Verdict.Rule is null && decision.Asking is null
            && egress.Allow.FirstOrDefault(rule => rule.Host is { IsWildcard: true } host && host.Name == name) is { } below)
            decision = decision with { Verdict = Verdict.Deny($"{below.Host} is for the names below {name}, not for {name} itself", below.Name) };
        var line = port is 443 or 80
            ? $"egress.allow: - host: {name}"
            : string.Create(CultureInfo.InvariantCulture, $"egress.allow: - {{ host: {name}, ports: [{port}] }}");
        return Explain(string.Create(CultureInfo.InvariantCulture, $"{name}:{port}"), egress, decision, port, line);
    }

    private static PolicyExplanation Explain(string target, EgressPolicy egress, EgressDecision decision, int port, string line)
    {
        var hint = decision.Verdict.IsAllowed ? "" : port switch
        {
            53 => "nothing does: names are resolved by Gatehouse alone, and only allowed ones.",
            3128 => "nothing does: the port is the proxy's.",
            _ => line,
        };
        return new PolicyExplanation(target, decision.Verdict, hint) { IsAsked = decision.Asking is not null, IsProxyOnly = !egress.Ports.Contains(port) };
    }
}
