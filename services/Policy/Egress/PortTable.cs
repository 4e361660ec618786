namespace Gatehouse.Policy.Egress;

/// <summary>The rules for one host or network, by port; the first rule for a port wins.</summary>
internal sealed class PortTable
{
    private readonly Dictionary<int, EgressRule> _rules = [];

    /// <summary>The first rule that allows, and the first that asks.</summary>
    private EgressRule? _allowing, _asking;

    public void Add(EgressRule rule)
    {
        if (rule.Ask)
            _asking ??= rule;
        else
            _allowing ??= rule;
        foreach (var port in rule.Ports)
            _rules.TryAdd(port, rule);
    }

    /// <summary>The rule for the port.</summary>
    public EgressRule? Find(int port) => _rules.GetValueOrDefault(port);

    /// <summary>The first rule that allows, or that asks, whatever its ports.</summary>
    public EgressRule? Any(bool asking) => asking ? _asking : _allowing;
}
