using System.Collections.Frozen;
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
    private readonly FrozenDictionary<string, ImmutableArray<EgressRule>> _exact;
    private readonly FrozenDictionary<string, ImmutableArray<EgressRule>>.AlternateLookup<ReadOnlySpan<char>> _wildcards;
    private readonly bool _hasWildcards;
    private readonly ImmutableArray<EgressRule> _addresses;

    public EgressPolicy(ImmutableArray<EgressRule> allow)
    {
        Allow = allow;
        _exact = Index(allow.Where(rule => rule.Host is { IsWildcard: false }));
        var wildcards = Index(allow.Where(rule => rule.Host is { IsWildcard: true }));
        _hasWildcards = wildcards.Count > 0;
        _wildcards = wildcards.GetAlternateLookup<ReadOnlySpan<char>>();
        _addresses = [.. allow.Where(rule => rule.Address is not null)];
        Ports = [.. allow.SelectMany(rule => rule.Ports).Distinct().Order()];
    }

    public ImmutableArray<EgressRule> Allow { get; }

    /// <summary>Every TCP port that some rule names (443 and 80 come from rules without ports), ascending.</summary>
    public ImmutableArray<int> Ports { get; }

    /// <summary>Whether the name may be resolved at all: some rule names it, on whatever port.</summary>
    public bool AllowsName(DomainName host, out EgressRule rule)
    {
        foreach (var candidates in Matching(host))
        {
            rule = candidates[0];
            return true;
        }

        rule = null!;
        return false;
    }

    /// <summary>The verdict on a connection to a name.</summary>
    public EgressDecision Decide(DomainName host, int port)
    {
        EgressRule? near = null;
        foreach (var candidates in Matching(host))
        {
            foreach (var rule in candidates)
            {
                if (rule.Ports.Contains(port))
                    return new(Verdict.Allow(rule.Name), rule);
                near ??= rule;
            }
        }

        return near is null
            ? new(Verdict.Deny("no rule names this host"), null)
            : new(Verdict.Deny($"the rule for this host does not name port {port}", near.Name), null);
    }

    /// <summary>The verdict on a connection to a raw address: only rules with <see cref="EgressRule.Address"/> count.</summary>
    public EgressDecision Decide(IPAddress address, int port)
    {
        address = Unmapped(address);
        EgressRule? near = null;
        foreach (var rule in _addresses)
        {
            if (!rule.Address!.Value.Contains(address))
                continue;
            if (rule.Ports.Contains(port))
                return new(Verdict.Allow(rule.Name), rule);
            near ??= rule;
        }

        return near is null
            ? new(Verdict.Deny("a raw address: only names, and addresses that a rule names, are reachable"), null)
            : new(Verdict.Deny($"the rule for this address does not name port {port}", near.Name), null);
    }

    /// <summary>Whether a name may resolve to this address although it is private: some address rule names it.</summary>
    public bool NamesAddress(IPAddress address)
    {
        address = Unmapped(address);
        return _addresses.Any(rule => rule.Address!.Value.Contains(address));
    }

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static FrozenDictionary<string, ImmutableArray<EgressRule>> Index(IEnumerable<EgressRule> rules) =>
        rules.GroupBy(rule => rule.Host!.Value.Name.Value, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray(), StringComparer.Ordinal);

    // Exact first, then wildcards from the longest suffix to the shortest: at most 127 look-ups, since that many labels fit a name.
    private Matches Matching(DomainName host) => new(this, host.Value);

    private struct Matches(EgressPolicy policy, string host)
    {
        private int _at = -1;

        public ImmutableArray<EgressRule> Current { get; private set; }

        public readonly Matches GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_at < 0)
            {
                _at = 0;
                if (policy._exact.TryGetValue(host, out var rules))
                {
                    Current = rules;
                    return true;
                }
            }

            while (policy._hasWildcards && host.IndexOf('.', _at) is >= 0 and var dot)
            {
                _at = dot + 1;
                if (policy._wildcards.TryGetValue(host.AsSpan(_at), out var rules))
                {
                    Current = rules;
                    return true;
                }
            }

            return false;
        }
    }
}

/// <summary>The verdict, and the rule to carry it out by when allowed.</summary>
public readonly record struct EgressDecision(Verdict Verdict, EgressRule? Rule);
