namespace Gatehouse.Policy.Egress;

/// <summary>The rules for one host or network, by port; the first rule for a port wins.</summary>
internal sealed class PortTable
{
    private readonly Dictionary<int, EgressRule> _rules = [];

    /// <summary>The first rule of all.</summary>
    private EgressRule? _first;

    public void Add(EgressRule rule)
    {
        _first ??= rule;
        foreach (var port in rule.Ports)
            _rules.TryAdd(port, rule);
    }

    /// <summary>The rule for the port; for null, the first rule whatever its ports.</summary>
    public EgressRule? Find(int? port) => port is { } number ? _rules.GetValueOrDefault(number) : _first;
}
