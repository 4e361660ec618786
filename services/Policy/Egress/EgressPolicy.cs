using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// What may be reached. Immutable; look-ups cost O(labels) for names, however many rules there are. Where several rules
/// match, an exact host beats a wildcard, a longer wildcard a shorter one, and then the first in the file wins.
/// </summary>
public sealed class EgressPolicy
{
    public EgressPolicy(ImmutableArray<EgressRule> allow) => Allow = allow;

    public ImmutableArray<EgressRule> Allow { get; }

    /// <summary>Every TCP port that some rule names (443 and 80 come from rules without ports), ascending.</summary>
    public ImmutableArray<int> Ports => throw new NotImplementedException();

    /// <summary>Whether the name may be resolved at all: some rule names it, on whatever port.</summary>
    public bool AllowsName(DomainName host, out EgressRule rule) => throw new NotImplementedException();

    /// <summary>The verdict on a connection to a name.</summary>
    public EgressDecision Decide(DomainName host, int port) => throw new NotImplementedException();

    /// <summary>The verdict on a connection to a raw address: only rules with <see cref="EgressRule.Address"/> count.</summary>
    public EgressDecision Decide(IPAddress address, int port) => throw new NotImplementedException();

    /// <summary>Whether a name may resolve to this address although it is private: some address rule names it.</summary>
    public bool NamesAddress(IPAddress address) => throw new NotImplementedException();
}

/// <summary>The verdict, and the rule to carry it out by when allowed.</summary>
public readonly record struct EgressDecision(Verdict Verdict, EgressRule? Rule);
