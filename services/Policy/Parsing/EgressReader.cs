using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>egress:</c></summary>
internal sealed class EgressReader
{
    /// <summary>Each port is four listening sockets of each session, held by a gate whose open files are limited.</summary>
    private const int MaxPorts = 100;

    private static readonly ImmutableArray<int> DefaultPorts = [443, 80];

    private readonly ErrorList _errors;
    private readonly HashSet<int> _ports = [];
    private readonly Dictionary<(string Host, int Port), string> _decided = [];

    private EgressReader(ErrorList errors) => _errors = errors;

    public static EgressPolicy Read(Node? egress, ErrorList errors)
    {
        var reader = new EgressReader(errors);
        var rules = ImmutableArray.CreateBuilder<EgressRule>();
        var items = egress.Items("allow");
        for (var i = 0; i < items.Length; i++)
            if (items[i] is MappingNode item && reader.ReadRule(item, i) is { } rule)
                rules.Add(rule);
        var asks = egress.Scalar("otherwise")?.Text == "ask";
        if (asks)
            foreach (var port in DefaultPorts)
                reader.Count(port, egress.Find("otherwise")!.At);
        var timeout = egress.Scalar("askTimeout") is { } text && Quantity.TryParseDuration(text.Text, out var span) ? span : (TimeSpan?)null;
        return new EgressPolicy(rules.ToImmutable(), asks, timeout);
    }

    private EgressRule? ReadRule(MappingNode item, int index)
    {
        var ports = ReadPorts(item);
        var methods = Methods.Read(item.Find("methods"), _errors);
        var paths = ReadPaths(item);
        var connect = ReadConnect(item);
        var host = item.Find("host");
        var address = item.Find("address");
        if (host is null == address is null)
        {
            _errors.Add(item.At, host is null
                ? "This rule names neither a host nor an address"
                : "This rule names both a host and an address",
                host is null ? "Write 'host: api.example.com' or 'address: 10.1.2.3/32'." : "Make it two rules.");
            return null;
        }

        if (address is not null)
            RefuseForAddress(item);
        var pattern = host.AsScalar() is { Text: not "" } name ? HostText.Pattern(name, _errors) : null;
        var network = address.AsScalar() is { Text: not "" } text ? HostText.Network(text, _errors) : null;
        var subject = pattern?.ToString() ?? network?.ToString();
        if (subject is null)
            return null;
        var rule = new EgressRule
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"egress.allow[{index}] {subject}"),
            Host = pattern,
            Address = network,
            Ports = ports,
            Methods = methods,
            Paths = paths,
            Connect = connect,
            Ask = item.Scalar("ask") is { IsPlain: true, Text: "true" },
            Trust = HostPathText.Read(item.Scalar("trust"), _errors),
        };
        RefuseUnreached(item, subject, rule);
        return rule;
    }

    private ImmutableArray<int> ReadPorts(MappingNode item)
    {
        if (item.Find("ports") is not { } list)
        {
            foreach (var port in DefaultPorts)
                Count(port, item.At);
            return DefaultPorts;
        }

        var ports = ImmutableArray.CreateBuilder<int>();
        foreach (var scalar in list.Scalars())
        {
            if (!scalar.IsPlain || !Quantity.TryParseInteger(scalar.Text, out var number) || number is < 1 or > 65535)
                continue;
            var port = (int)number;
            if (port == 53)
                _errors.Add(scalar.At, "Port 53 is the resolver's", "Leave it out: names are resolved by Gatehouse alone.");
            else if (port == 3128)
                _errors.Add(scalar.At, "Port 3128 is the proxy's", "Leave it out.");
            else if (ports.Contains(port))
                _errors.Add(scalar.At, $"Port {port} is written twice", "Keep one of the two.");
            else
            {
                Count(port, scalar.At);
                ports.Add(port);
            }
        }

        return ports.ToImmutable();
    }

    private void Count(int port, Position at)
    {
        if (_ports.Add(port) && _ports.Count == MaxPorts + 1)
            _errors.Add(at, $"The policy names more than {MaxPorts} different ports",
                "Leave some out; 443 and 80 count where a rule names none.");
    }

    private ImmutableArray<PathPattern> ReadPaths(MappingNode item)
    {
        var paths = ImmutableArray.CreateBuilder<PathPattern>();
        foreach (var scalar in item.Find("paths").Scalars())
            if (UrlPathText.Pattern(scalar, _errors) is { } pattern)
                paths.Add(pattern);
        return paths.ToImmutable();
    }

    private System.Net.IPEndPoint? ReadConnect(MappingNode item)
    {
        if (item.Scalar("connect") is not { Text: not "" } scalar)
            return null;
        if (!HostText.TryEndPoint(scalar.Text, out var endPoint))
            _errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is not an IP address and port",
                "Write them as \"127.0.0.1:8443\" or \"[::1]:8443\".");
        return endPoint;
    }

    private void RefuseForAddress(MappingNode item)
    {
        foreach (var (key, _) in item.Members)
            if (key.Text is "methods" or "paths" or "connect" or "trust")
                _errors.Add(key.At, $"'{key.Text}' needs a host name, and this rule names an address", "Name the host, or remove the key.");
    }

    // A line that no attempt can come to misleads whoever reads the policy, and most of all when it is the stricter of two.
    private void RefuseUnreached(MappingNode item, string subject, EgressRule rule)
    {
        foreach (var port in rule.Ports)
            if (!_decided.TryAdd((subject, port), rule.Name))
            {
                _errors.Add(item.At, $"{subject} on port {port} is decided by {_decided[(subject, port)]} already",
                    "Make one rule of the two.");
                return;
            }
    }
}
