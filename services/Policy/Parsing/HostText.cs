using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>Hosts, addresses and endpoints of a policy, with errors that say what to write.</summary>
internal static class HostText
{
    public static HostPattern? Pattern(ScalarNode scalar, ErrorList errors)
    {
        var text = scalar.Text;
        if (HostPattern.TryParse(text, out var pattern, out var error))
        {
            if (IsGatehouse(pattern.Name))
            {
                errors.Add(scalar.At, $"{Shown.Quoted(text)} is Gatehouse's own name", "Leave the rule out: the gateway is always there.");
                return null;
            }

            if (pattern.IsWildcard && !pattern.Name.Value.Contains('.'))
            {
                errors.Add(scalar.At, $"{Shown.Quoted(text)} would allow a whole top-level domain",
                    "Name the hosts, or a wildcard such as \"*.example.com\".");
                return null;
            }

            return pattern;
        }

        var (message, fix) = Explain(text, error);
        errors.Add(scalar.At, message, fix);
        return null;
    }

    /// <summary>An address or network; IPv4-mapped ones as IPv4.</summary>
    public static IPNetwork? Network(ScalarNode scalar, ErrorList errors)
    {
        var text = scalar.Text;
        var slash = text.IndexOf('/');
        if (!IpLiteral.TryParse(slash < 0 ? text : text[..slash], out var address) || text[0] == '[' || text.Contains('%'))
        {
            var isName = DomainName.TryParse(slash < 0 ? text : text[..slash], out _);
            errors.Add(scalar.At, $"{Shown.Quoted(text)} is not an IP address or network", isName
                ? "Write 'host:' for a name."
                : "Write one like 10.1.2.3/32 or 2001:db8::/48.");
            return null;
        }

        var bits = address.GetAddressBytes().Length * 8;
        var length = bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length)
            || length > bits || text.Length - slash > 4))
        {
            errors.Add(scalar.At, $"{Shown.Quoted(text)} has no valid prefix length", $"Write a number from 0 to {bits} after the slash.");
            return null;
        }

        var canonical = address.ToString();
        if (!canonical.Equals(slash < 0 ? text : text[..slash], StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(scalar.At, $"{Shown.Quoted(text)} is {canonical} in a spelling that is easily misread",
                $"Write {canonical}/{length}.");
            return null;
        }

        return Network(scalar, address, length, errors);
    }

    /// <summary><c>127.0.0.1:8443</c>, <c>[::1]:8443</c>.</summary>
    public static bool TryEndPoint(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !TryPort(text.AsSpan(colon + 1), out var port))
            return false;
        var host = text[..colon];
        var isBracketed = host is ['[', .., ']'];
        // Without brackets the last colon of an IPv6 address would pass for the one before the port.
        if (host.Contains(':') != isBracketed || !IpLiteral.TryParse(host, out var address))
            return false;
        endPoint = new IPEndPoint(address, port);
        return true;
    }

    public static bool TryPort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        return text.Length is > 0 and <= 5 && text[0] != '0'
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= 65535;
    }

    /// <summary>Whether the name is one of those that Gatehouse itself answers to.</summary>
    public static bool IsGatehouse(DomainName name) =>
        name.Value == "gatehouse" || name.Value.EndsWith(".gatehouse", StringComparison.Ordinal);

    private static IPNetwork? Network(ScalarNode scalar, IPAddress address, int length, ErrorList errors)
    {
        var bytes = address.GetAddressBytes();
        var shortest = bytes.Length == 4 ? 8 : 16;
        if (length < shortest)
        {
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is wider than /{shortest}", "Name the networks that are meant.");
            return null;
        }

        for (var i = 0; i < bytes.Length; i++)
            bytes[i] &= (byte)(0xFF00 >> Math.Clamp(length - 8 * i, 0, 8));
        var network = new IPAddress(bytes);
        if (!network.Equals(address))
        {
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} has bits set beyond its prefix",
                $"Write {network}/{length}, or {address} alone.");
            return null;
        }

        if (bytes is [198, 18 or 19, ..])
        {
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is Gatehouse's own (198.18.0.0/15 stands for names)",
                "Name the host instead.");
            return null;
        }

        return new IPNetwork(network, length);
    }

    private static (string Message, string Fix) Explain(string text, NameError error)
    {
        var shown = Shown.Quoted(text);
        if (text.Contains("://", StringComparison.Ordinal) || text.Contains('/'))
            return ($"{shown} is not a host name", IpNetworkLike(text)
                ? $"Write 'address: {Shown.Plain(text)}'."
                : "Write the host alone, without scheme and path.");
        if (error == NameError.IsAddress && IpLiteral.TryParse(text, out var address))
            return ($"{shown} is an address, not a name",
                $"Write 'address: {address}/{(address.GetAddressBytes().Length * 8).ToString(CultureInfo.InvariantCulture)}'.");
        var colon = text.LastIndexOf(':');
        if (colon > 0 && TryPort(text.AsSpan(colon + 1), out var port))
            return ($"{shown} holds a port", $"Write 'host: {Shown.Plain(text[..colon])}' and 'ports: [{port}]'.");
        if (text == "*")
            return ("'*' would allow every host", "Name the hosts, or a wildcard such as \"*.example.com\".");
        if (text.Contains('*'))
            return ($"{shown} has a star in a place where it means nothing", "Write \"*.example.com\": a star, a dot, a name.");
        return error switch
        {
            NameError.TooLong => ($"{shown} is longer than {DomainName.MaxLength} characters", "No host has such a name."),
            NameError.EmptyLabel => ($"{shown} has two dots in a row, or begins with one", "Write the name with single dots."),
            NameError.LabelTooLong =>
                ($"{shown} has a label longer than {DomainName.MaxLabelLength} characters", "No host has such a name."),
            NameError.InvalidIdna =>
                ($"{shown} can be read as more than one international name, or as none", "Write it in its xn--… form."),
            _ => ($"{shown} is not a host name", "Write letters, digits, hyphens and dots, as in api.example.com."),
        };
    }

    private static bool IpNetworkLike(string text) => IpLiteral.TryParse(text.AsSpan(0, Math.Max(0, text.IndexOf('/'))), out _);
}
