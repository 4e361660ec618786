using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Explaining;

/// <summary>A destination as a person types it.</summary>
/// <param name="Host">Name or address, not yet checked.</param>
/// <param name="Port">Null when what was written is no port.</param>
/// <param name="Path">Of a URL, without query; <c>/</c> when there is none.</param>
internal readonly record struct Target(string Host, int? Port, string Path)
{
    private const int DefaultPort = 443;

    public static Target Read(string text)
    {
        text = text.Trim();
        var port = DefaultPort;
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            port = text[..scheme].ToLowerInvariant() switch
            {
                "http" or "ws" => 80,
                "ssh" => 22,
                "ftp" => 21,
                _ => DefaultPort,
            };
            text = text[(scheme + 3)..];
        }

        var end = text.AsSpan().IndexOfAny("/?#");
        var path = end < 0 ? "/" : text[end..];
        if (path.AsSpan().IndexOfAny("?#") is >= 0 and var query)
            path = path[..query];
        var authority = end < 0 ? text : text[..end];
        if (scheme >= 0)
            authority = authority[(authority.LastIndexOf('@') + 1)..];
        return Split(authority, port, path.Length == 0 ? "/" : path);
    }

    private static Target Split(string authority, int port, string path)
    {
        var colon = authority.LastIndexOf(':');
        // Several colons without brackets are an IPv6 address, not a port.
        var isPort = colon > 0 && (authority.IndexOf(':') == colon || authority[colon - 1] == ']');
        if (!isPort)
            return new Target(authority, port, path);
        return new Target(authority[..colon], HostText.TryPort(authority.AsSpan(colon + 1), out var number) ? number : null, path);
    }
}
