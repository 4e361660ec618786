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

    /// <summary>What <c>egress.otherwise: ask</c> carries out once a person has said yes: the destination as it is, nothing pinned.</summary>
    private static readonly EgressRule s_otherwise = new() { Name = "egress.otherwise", Ports = [443, 80], Ask = true };

    public EgressPolicy(ImmutableArray<EgressRule> allow, bool asksOtherwise = false, TimeSpan? askTimeout = null)
    {
        Allow = allow;
        AsksOtherwise = asksOtherwise;
        AskTimeout = askTimeout ?? DefaultAskTimeout;
        _hosts = new HostIndex(allow);
        _addresses = new AddressIndex(allow);
        // The sockets that the agent's connections arrive on: what may be asked about has to arrive.
        Ports = [.. allow.SelectMany(rule => rule.Ports).Concat(asksOtherwise ? s_otherwise.Ports : []).Distinct().Order()];
    }

    /// <summary>Long enough to look at a terminal; short enough that a client has not given up before.</summary>
    public static TimeSpan DefaultAskTimeout { get; } = TimeSpan.FromMinutes(2);

    public ImmutableArray<EgressRule> Allow { get; }

    /// <summary>Whether a person is asked about what no rule names.</summary>
    public bool AsksOtherwise { get; }

    /// <summary>How long a connection is held; no answer by then is no.</summary>
    public TimeSpan AskTimeout { get; }

    /// <summary>Every TCP port that some rule names (443 and 80 come from rules without ports), ascending.</summary>
    public ImmutableArray<int> Ports { get; }

    /// <summary>Whether the name may be resolved at all: some rule allows it, on whatever port. A rule that asks does not.</summary>
    /// <param name="host">The name.</param>
    /// <param name="rule">The rule that says so; not set when false.</param>
    public bool AllowsName(DomainName host, out EgressRule rule)
    {
        var found = _hosts.Find(host, port: null);
        rule = found!;
        return found is not null;
    }

    /// <summary>Whether a person may be asked about the name, on some port.</summary>
    /// <param name="host">The name.</param>
    /// <param name="rule">The rule that says so; not set when false.</param>
    public bool AsksAbout(DomainName host, out EgressRule rule)
    {
        var found = _hosts.Find(host, port: null, asking: true) ?? (AsksOtherwise && host.Value.Length > 0 ? s_otherwise : null);
        rule = found!;
        return found is not null;
    }

    /// <summary>The verdict on a connection to a name.</summary>
    public EgressDecision Decide(DomainName host, int port)
    {
        var rule = _hosts.Find(host, port);
        if (rule is { Ask: false })
            return new EgressDecision(Verdict.Allow(rule.Name), rule);
        if ((rule ?? Otherwise(port)) is { } asking && host.Value.Length > 0)
            return Asked(asking);
        return Denied(AllowsName(host, out var other)
            ? Verdict.Deny($"{host} is allowed, but not on port {port}", other.Name)
            : Verdict.Deny($"no rule in egress.allow names {host}"));
    }

    /// <summary>The verdict on a connection to a raw address: only rules with <see cref="EgressRule.Address"/> count.</summary>
    public EgressDecision Decide(IPAddress address, int port)
    {
        var rule = _addresses.Find(address, port);
        if (rule is { Ask: false })
            return new EgressDecision(Verdict.Allow(rule.Name), rule);
        // Nobody should be tired into opening the host's own loopback or a metadata service: only a rule that names those may ask.
        if ((rule ?? (AddressRanges.IsSpecialPurpose(address) ? null : Otherwise(port))) is { } asking)
            return Asked(asking);
        return Denied(_addresses.Find(address, port: null) is { } other
            ? Verdict.Deny($"{address} is allowed, but not on port {port}", other.Name)
            : Verdict.Deny($"no rule in egress.allow names the address {address}"));
    }

    /// <summary>Whether a name may resolve to this address although it is private: some address rule names it.</summary>
    public bool NamesAddress(IPAddress address) => _addresses.Find(address, port: null) is not null;

    // The resolver's and the proxy's port are nobody's to open.
    private EgressRule? Otherwise(int port) => AsksOtherwise && port is not (53 or 3128) ? s_otherwise : null;

    private static EgressDecision Asked(EgressRule rule) => new(Verdict.Deny("nobody has allowed it yet: a person is asked", rule.Name), null, rule);

    private static EgressDecision Denied(Verdict verdict) => new(verdict, null);
}

/// <summary>The verdict, and the rule to carry it out by when allowed.</summary>
/// <param name="Verdict">Denied as long as nobody was asked.</param>
/// <param name="Rule">Set when allowed.</param>
/// <param name="Asking">Set when a person may turn the denial: the rule to carry it out by then.</param>
public readonly record struct EgressDecision(Verdict Verdict, EgressRule? Rule, EgressRule? Asking = null);
