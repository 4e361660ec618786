using System.Buffers;
using System.Collections.Frozen;
using Gatehouse.Policy.Secrets;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>secrets[].inject</c></summary>
internal static class SecretInjectionText
{
    private const string Placeholder = "{secret}";

    // RFC 9110 §5.6.2.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    // What frames or routes a message (RFC 9110 §7.6.1, RFC 9112 §6): a credential there would change which request is sent, or where.
    private static readonly FrozenSet<string> Framing = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
        "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "Expect", "Content-Encoding", "Content-Type", "HTTP2-Settings");

    public static bool IsToken(string text) => text.Length is > 0 and <= 128 && text.AsSpan().IndexOfAnyExcept(TokenCharacters) < 0;

    public static SecretInjection? Read(Node? inject, ErrorList errors)
    {
        var header = ReadHeader(inject.Scalar("header"), errors);
        var value = ReadValue(inject.Scalar("value"), errors);
        return header is null || value is null ? null : new SecretInjection(header, value);
    }

    private static string? ReadHeader(ScalarNode? scalar, ErrorList errors)
    {
        if (scalar is null || scalar.Text.Length == 0)
            return null;
        if (!IsToken(scalar.Text))
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is not the name of a header",
                "Write one such as authorization or x-api-key.");
        else if (Framing.Contains(scalar.Text))
            errors.Add(scalar.At, $"The header {Shown.Quoted(scalar.Text)} shapes the message itself",
                "Name the one that carries the credential, such as authorization.");
        else
            return scalar.Text;
        return null;
    }

    private static string? ReadValue(ScalarNode? scalar, ErrorList errors)
    {
        if (scalar is null || scalar.Text.Length == 0)
            return null;
        var text = scalar.Text;
        var first = text.IndexOf(Placeholder, StringComparison.Ordinal);
        if (first < 0)
            errors.Add(scalar.At, "inject.value does not say where the credential goes",
                "Write {secret} in it, as in \"Bearer {secret}\".");
        else if (text.IndexOf(Placeholder, first + 1, StringComparison.Ordinal) >= 0)
            errors.Add(scalar.At, "inject.value holds {secret} more than once", "Write it once.");
        else if (text.AsSpan().IndexOfAnyExceptInRange(' ', '~') >= 0 || text[0] == ' ' || text[^1] == ' ')
            errors.Add(scalar.At, "inject.value holds a character that a header can not carry",
                "Write printable ASCII, without a space at either end.");
        else
            return text;
        return null;
    }
}
