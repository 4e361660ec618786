namespace Gatehouse.Policy.Parsing;

/// <summary>Small words with a grammar of their own.</summary>
internal static class Tokens
{
    private static readonly string[] s_own =
    [
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE",
    ];

    /// <summary>Headers that frame a message or steer it (RFC 9110 §7.6.1, RFC 9112 §6): a credential in one of them would break the call.</summary>
    private static readonly string[] s_framing =
    [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection",
        "content-type", "accept-encoding",
    ];

    public static bool IsVariableName(string text) =>
        text.Length is > 0 and <= 128 && !char.IsAsciiDigit(text[0]) && text.All(character => char.IsAsciiLetterOrDigit(character) || character == '_');

    public static bool IsOwnVariable(string name) => s_own.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>token of RFC 9110 §5.6.2.</summary>
    public static bool IsToken(string text) =>
        text.Length is > 0 and <= 128 && text.All(character => char.IsAsciiLetterOrDigit(character) || "!#$%&'*+-.^_`|~".Contains(character));

    public static bool IsFramingHeader(string name) => s_framing.Contains(name.ToLowerInvariant());

    /// <summary>An HTTP method, upper case as methods are.</summary>
    public static bool IsMethod(string text) => IsToken(text) && text.Length <= 32 && !text.Any(char.IsAsciiLetterLower) && text != "CONNECT";
}
