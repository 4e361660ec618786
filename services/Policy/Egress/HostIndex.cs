using System.Collections.Immutable;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Egress;

/// <summary>
/// Host rules by exact name and by wildcard suffix: one look-up for the name, then one for each of its parents. Allocates nothing.
/// </summary>
internal sealed class HostIndex
{
    private readonly Dictionary<string, PortTable> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PortTable> _wildcards = new(StringComparer.Ordinal);

    public HostIndex(ImmutableArray<EgressRule> rules)
    {
        foreach (var rule in rules)
        {
            if (rule.Host is not { } pattern)
                continue;
            var index = pattern.IsWildcard ? _wildcards : _exact;
            if (!index.TryGetValue(pattern.Name.Value, out var table))
                index.Add(pattern.Name.Value, table = new PortTable());
            table.Add(rule);
        }
    }

    /// <summary>The best rule for the name and port; null as a port means any, among the rules that allow, or those that ask.</summary>
    public EgressRule? Find(DomainName host, int? port, bool asking = false)
    {
        if (_exact.TryGetValue(host.Value, out var exact) && Of(exact) is { } named)
            return named;
        if (_wildcards.Count == 0)
            return null;
        var wildcards = _wildcards.GetAlternateLookup<ReadOnlySpan<char>>();
        var parent = host.Value.AsSpan();
        // From the longest suffix to the shortest; never the name itself, so that a wildcard does not match its apex.
        while (parent.IndexOf('.') is >= 0 and var dot)
        {
            parent = parent[(dot + 1)..];
            if (wildcards.TryGetValue(parent, out var table) && Of(table) is { } rule)
                return rule;
        }

        return null;

        EgressRule? Of(PortTable table) => port is { } number ? table.Find(number) : table.Any(asking);
    }
}
