using System.Globalization;
using System.Text;

namespace Gatehouse.Policy.Names;

/// <summary>
/// The one form in which a request path is matched against rules. What two parsers could read differently is refused:
/// encoded slashes or backslashes, dot segments, NUL and control characters, invalid escapes, doubled slashes, path parameters on dots.
/// </summary>
public static class HttpPath
{
    /// <summary>The longest path that is looked at, in characters.</summary>
    public const int MaxLength = 8 * 1024;

    /// <param name="path">The path as sent, without query: starts with <c>/</c>.</param>
    /// <param name="normalized">Unreserved escapes decoded once, the others in upper-case hex (RFC 3986 §6.2.2).</param>
    /// <param name="error">What is wrong with it, when false.</param>
    public static bool TryNormalize(string path, out string normalized, out string error)
    {
        normalized = "";
        error = path.Length > MaxLength ? "the path is too long" : Decode(path, out normalized);
        if (error.Length == 0)
            error = CheckSegments(normalized);
        if (error.Length == 0)
            return true;
        normalized = "";
        return false;
    }

    private static string Decode(string path, out string decoded)
    {
        decoded = "";
        if (path.Length == 0 || path[0] != '/')
            return "the path does not begin with a slash";
        var result = new StringBuilder(path.Length);
        for (var i = 0; i < path.Length; i++)
        {
            var character = path[i];
            if (character is <= ' ' or >= '\u007f' or '\\' or '?' or '#' or '"' or '<' or '>' or '^' or '`' or '{' or '|' or '}')
                return "the path has a character that must be escaped";
            if (character != '%')
            {
                result.Append(character);
                continue;
            }

            if (i + 2 >= path.Length || !byte.TryParse(path.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                return "the path has an invalid escape";
            if (value is < 0x20 or 0x7f or (byte)'/' or (byte)'\\' or (byte)'%')
                return "the path escapes a character that servers disagree about";
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~')
                result.Append((char)value);
            else
                result.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
            i += 2;
        }

        decoded = result.ToString();
        return "";
    }

    private static string CheckSegments(ReadOnlySpan<char> path)
    {
        var segments = path[1..];
        foreach (var range in segments.Split('/'))
        {
            var segment = segments[range];
            if (segment.IsEmpty && range.End.GetOffset(segments.Length) != segments.Length)
                return "the path has an empty segment";
            // Some servers cut path parameters off before they resolve dots: /..;x/ climbs there.
            var end = segment.IndexOf(';');
            if ((end < 0 ? segment : segment[..end]) is "." or "..")
                return "the path has a dot segment";
        }

        return "";
    }
}
