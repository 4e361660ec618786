using System.Globalization;
using System.Net.Sockets;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Editing;

/// <summary>
/// Adds to a policy as a person would: one line at one place, everything else byte for byte as it was. The result is read again, and must be the
/// old policy with that one rule more, or it is refused.
/// </summary>
public static class PolicyEditor
{
    /// <param name="yaml">The whole file.</param>
    /// <param name="host">A name, or an address.</param>
    /// <param name="port">TCP port.</param>
    public static EditResult AddEgressRule(string yaml, string host, int port)
    {
        if (port is < 1 or > 65535)
            return EditResult.Failed("that is no port");
        if (Rule(host, port) is not { } rule)
            return EditResult.Failed("that is neither a host name nor an address");
        var before = PolicyParser.Parse(yaml, "policy");
        if (before.Policy is null)
            return EditResult.Failed($"it has errors ({before.Errors[0]}): correct them first");
        var decision = IpLiteral.TryParse(host, out var address)
            ? before.Policy.Egress.Decide(address, port)
            : before.Policy.Egress.Decide(Name(host), port);
        if (decision.Verdict.IsAllowed)
            return new EditResult(yaml, null);
        // A plain rule for one name beats the one that asks, and would drop what that one holds it to.
        if (decision.Asking is { } asking && (asking.IsInspected || asking.Connect is not null || asking.Trust is not null))
            return EditResult.Failed($"{asking.Name} has methods, paths, connect or trust, which the new rule must have too: write it by hand");
        if (EgressPlace.Find(yaml) is not { } place)
            return EditResult.Failed("egress.allow is written in a way that is not changed by program: add the rule by hand: - " + rule);
        var text = place.Insert(rule);
        return EditCheck.Differs(yaml, text, host, port) is { } difference
            ? EditResult.Failed($"{difference}: change it by hand, to: - {rule}")
            : new EditResult(text, null);
    }

    /// <summary>As small as it can be: this host, this port.</summary>
    internal static string? Rule(string host, int port)
    {
        if (IpLiteral.TryParse(host, out var address))
        {
            var shown = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"\"{address}/128\"" : $"{address}/32";
            return string.Create(CultureInfo.InvariantCulture, $"{{ address: {shown}, ports: [{port}] }}");
        }

        return DomainName.TryParse(host, out var name) ? string.Create(CultureInfo.InvariantCulture, $"{{ host: {Quoted(name.Value)}, ports: [{port}] }}") : null;
    }

    internal static DomainName Name(string host) => DomainName.TryParse(host, out var name) ? name : default;

    // A-labels are plain words in YAML, but for what it takes for null.
    private static string Quoted(string name) => name is "null" or "~" ? $"\"{name}\"" : name;
}

/// <param name="Text">The new file; null when it was refused.</param>
/// <param name="Error">Why, and what to do.</param>
public readonly record struct EditResult(string? Text, string? Error)
{
    internal static EditResult Failed(string error) => new(null, error);
}
