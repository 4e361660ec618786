using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// What may be reached. Immutable; look-ups cost O(labels) for names, however many rules there are. Where several rules
/// match, an exact host beats a wildcard, a longer wildcard a shorter one, and then the first in the file wins.
/// For addresses the longer prefix wins.
/// </summary>
public sealed class EgressPolicy
{
    private readonly HostIndex _hosts;
    private readonly AddressIndex _addresses;

    public EgressPolicy(ImmutableArray<EgressRule> allow)
    {
        Allow = allow;
        _hosts = new HostIndex(allow);
        _addresses = new AddressIndex(allow);
        Ports = [.. allow.SelectMany(rule => rule.Ports).Distinct().Order()];
    }

    public ImmutableArray<EgressRule> Allow { get; }

    /// <summary>Every TCP port that some rule names (443 and 80 come from rules without ports), ascending.</summary>
    public ImmutableArray<int> Ports { get; }

    /// <summary>Whether the name may be resolved at all: some rule names it, on whatever port.</summary>
    /// <param name="host">The name.</param>
    /// <param name="rule">The rule that says so; not set when false.</param>
    public bool AllowsName(DomainName host, out EgressRule rule)
    {
        var found = _hosts.Find(host, port: null);
        rule = found!;
        return found is not null;
    }

    /// <summary>The verdict on a connection to a name.</summary>
    public EgressDecision Decide(DomainName host, int port)
    {
        if (_hosts.Find(host, port) is { } rule)
            return new EgressDecision(Verdict.Allow(rule.Name), rule);
        return Denied(AllowsName(host, out var other)
            ? Verdict.Deny($"{host} is allowed, but not on port {port}", other.Name)
            : Verdict.Deny($"no rule in egress.allow names {host}"));
    }

    /// <summary>The verdict on a connection to a raw address: only rules with <see cref="EgressRule.Address"/> count.</summary>
    public EgressDecision Decide(IPAddress address, int port)
    {
        if (_addresses.Find(address, port) is { } rule)
            return new EgressDecision(Verdict.Allow(rule.Name), rule);
        return Denied(_addresses.Find(address, port: null) is { } other
            ? Verdict.Deny($"{address} is allowed, but not on port {port}", other.Name)
            : Verdict.Deny($"no rule in egress.allow names the address {address}"));
    }

    /// <summary>Whether a name may resolve to this address although it is private: some address rule names it.</summary>
    public bool NamesAddress(IPAddress address) => _addresses.Find(address, port: null) is not null;

    private static EgressDecision Denied(Verdict verdict) => new(verdict, null);
}

/// <summary>The verdict, and the rule to carry it out by when allowed.</summary>
public readonly record struct EgressDecision(Verdict Verdict, EgressRule? Rule);
