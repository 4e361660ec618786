using System.Globalization;
using System.Net;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>
/// <c>secrets[].upstream</c>: origin and optional base path. Taken apart here and put together again from its canonical parts, so that no
/// URL parser down the line finds another host in it than the one that was checked.
/// </summary>
internal static class UpstreamText
{
    private const string Fix = "Write it as https://api.example.com, with a path if the API has one.";

    public static Uri? Read(ScalarNode? scalar, ErrorList errors)
    {
        if (scalar is null || scalar.Text.Length == 0)
            return null;
        var text = scalar.Text;
        var shown = Shown.Quoted(text);
        var scheme = text.StartsWith("https://", StringComparison.Ordinal)
            ? "https"
            : text.StartsWith("http://", StringComparison.Ordinal) ? "http" : null;
        if (scheme is null)
            return Refuse(scalar.At, $"{shown} is not an https URL", Fix, errors);
        // Before anything is repeated: a password may stand in front of the sign.
        if (text.Contains('@'))
            return Refuse(scalar.At, "The URL holds a user name, or '@'", "Write it without; 'from:' and 'inject:' carry the credential.",
                errors);
        if (text.AsSpan().IndexOfAny("?#\\") >= 0)
            return Refuse(scalar.At, $"{shown} holds a query, a fragment or a backslash", Fix, errors);

        var rest = text[(scheme.Length + 3)..];
        var slash = rest.IndexOf('/');
        var authority = slash < 0 ? rest : rest[..slash];
        var path = slash < 0 ? "/" : rest[slash..];
        if (!TrySplit(authority, out var host, out var port))
            return Refuse(scalar.At, $"{shown} has no valid host and port", Fix, errors);
        var isAddress = IpLiteral.TryParse(host, out var address);
        var isName = DomainName.TryParse(host, out var name);
        if (!isAddress && !isName)
            return Refuse(scalar.At, $"{shown} has no valid host and port", Fix, errors);
        if (scheme == "http" && !(isAddress ? IPAddress.IsLoopback(address) : name.Value == "localhost"))
            return Refuse(scalar.At, $"{shown} would carry the credential in clear", "Write https; http is for loopback only.", errors);
        if (HostText.IsGatehouse(name))
            return Refuse(scalar.At, $"{shown} is Gatehouse itself", Fix, errors);
        if (!HttpPath.TryNormalize(path, out var normalized, out var error))
            return Refuse(scalar.At, $"{shown} has no usable path: {error}", Fix, errors);

        var shownHost = !isAddress ? name.Value : address.GetAddressBytes().Length == 16 ? $"[{address}]" : address.ToString();
        var shownPort = port is null ? "" : ":" + port.Value.ToString(CultureInfo.InvariantCulture);
        return Uri.TryCreate($"{scheme}://{shownHost}{shownPort}{normalized}", UriKind.Absolute, out var uri)
            ? uri
            : Refuse(scalar.At, $"{shown} is not an https URL", Fix, errors);
    }

    private static bool TrySplit(string authority, out string host, out int? port)
    {
        (host, port) = (authority, null);
        var colon = authority.LastIndexOf(':');
        // The colons of an IPv6 address stand inside its brackets.
        if (colon < 0 || colon < authority.LastIndexOf(']'))
            return authority.Length > 0 && IsBracketedOrFree(host);
        if (!HostText.TryPort(authority.AsSpan(colon + 1), out var number))
            return false;
        (host, port) = (authority[..colon], number);
        return IsBracketedOrFree(host);
    }

    private static bool IsBracketedOrFree(string host) => host.Contains(':') == host.StartsWith('[') && !host.Contains('%');

    private static Uri? Refuse(Position at, string message, string fix, ErrorList errors)
    {
        errors.Add(at, message, fix);
        return null;
    }
}
