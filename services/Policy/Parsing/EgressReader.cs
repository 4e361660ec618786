using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Parsing;

/// <summary>Reads <c>egress:</c>.</summary>
internal static class EgressReader
{
    /// <summary>Each is two sockets of every session, and one message carries at most 253.</summary>
    private const int MaxPorts = 100;

    private static readonly ImmutableArray<int> s_web = [443, 80];

    public static EgressPolicy Read(Section egress)
    {
        var rules = ImmutableArray.CreateBuilder<EgressRule>();
        foreach (var item in egress.Items("allow"))
        {
            if (ReadRule(item) is { } rule)
                rules.Add(rule);
        }

        var policy = new EgressPolicy(rules.ToImmutable());
        if (policy.Ports.Length > MaxPorts)
            egress.Error(egress["allow"]!, $"the rules name {policy.Ports.Length} different ports", $"Name at most {MaxPorts}");
        return policy;
    }

    private static EgressRule? ReadRule(Section item)
    {
        var (host, address) = (Host(item), Address(item));
        if (item["host"] is null == item["address"] is null)
            item.Error(item.Node, $"{item.Path} names {(item["host"] is null ? "neither host nor address" : "both host and address")}", "Write one of them, and a rule of its own for the other");
        var (ports, methods, paths) = (Ports(item), Methods(item, "methods"), Patterns(item, "paths"));
        var connect = Connect(item);
        if (item["address"] is not null)
        {
            foreach (var key in new[] { "connect", "methods", "paths", "trust" })
            {
                if (item[key] is { } value)
                    item.Error(value, $"{item.Name(key)} stands beside an address", "Name a host: this holds for names only");
            }
        }

        item.NotSupportedYet("methods", "Remove it: the whole host is then reachable. For API calls, secrets: has methods and paths");
        item.NotSupportedYet("paths", "Remove it: the whole host is then reachable. For API calls, secrets: has methods and paths");
        if (host is null == address is null)
            return null;
        return new()
        {
            Name = $"{item.Path} {host?.ToString() ?? address.ToString()}",
            Host = host,
            Address = address,
            Ports = ports,
            Methods = methods,
            Paths = paths,
            Connect = connect,
            Trust = item.Text("trust"),
        };
    }

    private static HostPattern? Host(Section item)
    {
        if (item["host"] is not { Scalar: { } text } node)
            return null;
        if (HostPattern.TryParse(text, out var pattern, out var error))
        {
            if (!pattern.Name.Value.Contains('.') && pattern.IsWildcard)
                item.Error(node, $"{item.Name("host")} '{text}' would allow a whole top-level domain", "Name the hosts that are needed");
            else if (pattern.Name.Value is "gatehouse" || pattern.Name.Value.EndsWith(".gatehouse", StringComparison.Ordinal))
                item.Error(node, $"{item.Name("host")} '{text}' is Gatehouse's own", "Remove the rule: secrets.gatehouse is reachable as it is");
            else
                return pattern;
            return null;
        }

        item.Error(node, $"{item.Name("host")} is '{text}': {Describe(error)}", error == NameError.IsAddress
            ? "Write address: in place of host: for an address"
            : text.Contains('*') ? "A star stands only at the beginning, as in *.example.com" : "Write a name such as api.github.com, without scheme, port and path");
        return null;
    }

    private static IPNetwork? Address(Section item)
    {
        if (item["address"] is not { Scalar: { } text } node)
            return null;
        if (IPNetwork.TryParse(text, out var network) && network.PrefixLength > 0)
            return network;
        if (!text.Contains('/') && IPAddress.TryParse(text, out var address) && text.Any(character => character is '.' or ':'))
            return new(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, address.IsIPv4MappedToIPv6 || !text.Contains(':') ? 32 : 128);
        item.Error(node, $"{item.Name("address")} is '{text}'", "Write an address or a range such as 10.1.2.3 or 10.1.2.0/24, with no bits set behind the prefix");
        return null;
    }

    private static ImmutableArray<int> Ports(Section item)
    {
        if (item["ports"] is null)
            return s_web;
        var ports = ImmutableArray.CreateBuilder<int>();
        foreach (var node in item.Scalars("ports"))
        {
            if (!int.TryParse(node.Scalar, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65_535)
                item.Error(node, $"{item.Name("ports")} has '{node.Scalar}'", "Write a number from 1 to 65535");
            else if (port is 53 or 3128)
                item.Error(node, $"{item.Name("ports")} has {port}, which is a gate's own", port == 53 ? "Names are resolved by the gate: remove it" : "The proxy stands there: name another port");
            else if (!ports.Contains(port))
                ports.Add(port);
        }

        if (ports.Count == 0 && item["ports"] is { Items.Count: 0 } empty)
            item.Error(empty, $"{item.Name("ports")} is empty", "Name a port, or remove it for 443 and 80");
        return ports.ToImmutable();
    }

    private static IPEndPoint? Connect(Section item)
    {
        if (item["connect"] is not { Scalar: { } text } node)
            return null;
        // IPEndPoint.TryParse takes a lone address, or a number, too.
        if (text.Contains(':') && IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port != 0 && (text.Contains('.') || text.Contains('[')))
            return endPoint;
        item.Error(node, $"{item.Name("connect")} is '{text}'", "Write an address and a port, such as 127.0.0.1:8443 or [::1]:8443");
        return null;
    }

    public static ImmutableArray<string> Methods(Section item, string key)
    {
        var methods = ImmutableArray.CreateBuilder<string>();
        foreach (var node in item.Scalars(key))
        {
            if (Tokens.IsMethod(node.Scalar!))
                methods.Add(node.Scalar!);
            else
                item.Error(node, $"{item.Name(key)} has '{node.Scalar}'", "Write methods in capitals, such as GET; CONNECT can not be one");
        }

        return methods.ToImmutable();
    }

    public static ImmutableArray<PathPattern> Patterns(Section item, string key)
    {
        var patterns = ImmutableArray.CreateBuilder<PathPattern>();
        foreach (var node in item.Scalars(key))
        {
            if (ReadPath(item, key, node) is { } pattern)
                patterns.Add(pattern);
        }

        return patterns.ToImmutable();
    }

    public static PathPattern? ReadPath(Section item, string key, YamlNode node)
    {
        var error = "it does not begin with a slash";
        if (node.Scalar!.StartsWith('/') && PathPattern.TryParse(node.Scalar, out var pattern, out error))
            return pattern;
        item.Error(node, $"{item.Name(key)} has '{node.Scalar}': {error}", "Write for example /v1/** or /repos/*/issues");
        return null;
    }

    private static string Describe(NameError error) => error switch
    {
        NameError.IsAddress => "that is an address",
        NameError.InvalidIdna => "that is not a valid international name",
        NameError.TooLong => "a name has at most 253 characters",
        NameError.LabelTooLong => "a label has at most 63 characters",
        NameError.EmptyLabel => "a label is empty",
        _ => "that is not a host name",
    };
}
