using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>The query as the agent sent it, which is also how it is forwarded.</summary>
internal static class QueryText
{
    /// <summary>Parameters that a restricted query may have.</summary>
    public const int MaxParameters = 128;

    // RFC 3986 §3.4 wants them escaped, and servers differ in what they do when they are not.
    private static readonly SearchValues<char> s_unsafe = SearchValues.Create("#\\\"<>");

    /// <summary>Visible ASCII, and every escape an escape.</summary>
    /// <param name="query">Empty, or from the question mark on.</param>
    public static bool IsWellFormed(string query)
    {
        if (query.AsSpan().ContainsAny(s_unsafe) || query.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return false;
        for (var at = query.IndexOf('%'); at >= 0; at = query.IndexOf('%', at + 1))
        {
            if (at + 2 >= query.Length || !char.IsAsciiHexDigit(query[at + 1]) || !char.IsAsciiHexDigit(query[at + 2]))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Reads the parameters in the one way there is. Refused is what servers read in several: a name twice, a semicolon (some split
    /// there), a plus (a space to some), an empty parameter, bytes that are not UTF-8, control characters.
    /// </summary>
    /// <param name="query">Well-formed.</param>
    /// <param name="parameters">Decoded, in the order of the query.</param>
    public static bool TryRead(string query, out List<(string Name, string Value)> parameters)
    {
        parameters = [];
        if (query.Length == 0)
            return true;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var text = query.AsSpan(1);
        if (text.ContainsAny(';', '+'))
            return false;
        foreach (var range in text.Split('&'))
        {
            var pair = text[range];
            var equals = pair.IndexOf('=');
            if (parameters.Count >= MaxParameters || !TryDecode(equals < 0 ? pair : pair[..equals], out var name)
                || !TryDecode(equals < 0 ? "" : pair[(equals + 1)..], out var value) || name.Length == 0 || !names.Add(name))
                return false;
            parameters.Add((name, value));
        }

        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, out string decoded)
    {
        decoded = "";
        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                bytes[count++] = Convert.FromHexString(text.Slice(i + 1, 2))[0];
                i += 2;
            }
            else
            {
                bytes[count++] = (byte)text[i];
            }
        }

        var valid = bytes.AsSpan(0, count);
        if (!Utf8.IsValid(valid) || valid.ContainsAnyInRange((byte)0, (byte)0x1f) || valid.Contains((byte)0x7f))
            return false;
        decoded = Encoding.UTF8.GetString(valid);
        return true;
    }
}
