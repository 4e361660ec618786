using System.Text;

namespace Gatehouse.Policy.Names;

/// <summary>
/// The one form in which a request path is matched against rules. What two parsers could read differently is refused:
/// encoded slashes or backslashes, dot segments, NUL and control characters, invalid escapes, doubled slashes.
/// </summary>
/// <remarks>
/// Dot segments are refused wherever they stand, not resolved: clients resolve them before they send, so one that arrives means to
/// be resolved by somebody else. The same goes for an escape of an escape (<c>%252e</c>), for bytes that are not UTF-8 (<c>%c0%ae</c>), for
/// <c>..;</c> (which servlet containers take for <c>..</c>), and for characters that RFC 3986 wants escaped. Forward the
/// normalised form, not what was sent.
/// </remarks>
public static class HttpPath
{
    /// <summary>The longest path that is looked at, in characters.</summary>
    public const int MaxLength = 8 * 1024;

    /// <param name="path">The path as sent, without query: starts with <c>/</c>.</param>
    /// <param name="normalized">Unreserved escapes decoded once, the digits of the others in capitals (RFC 3986 §6.2.2).</param>
    /// <param name="error">What is wrong with it, when false.</param>
    public static bool TryNormalize(string path, out string normalized, out string error)
    {
        normalized = "";
        if (path.Length > MaxLength)
            return Refuse($"the path is longer than {MaxLength} characters", out error);
        if (!path.StartsWith('/'))
            return Refuse("the path does not start with '/'", out error);
        var builder = new StringBuilder(path.Length);
        if (!TryUnescape(path, builder, out error))
            return false;
        var unescaped = builder.ToString();
        if (!CheckSegments(unescaped, out error))
            return false;
        normalized = unescaped;
        return true;
    }

    // Decodes escapes of unreserved characters, and puts the digits of the others in upper case.
    private static bool TryUnescape(string path, StringBuilder output, out string error)
    {
        Span<byte> run = stackalloc byte[4];
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c != '%')
            {
                if (!IsPathCharacter(c))
                    return Refuse(c == '\\' ? "the path holds a backslash" : "the path holds a character that must be escaped", out error);
                output.Append(c);
                continue;
            }

            if (!TryReadEscape(path, i, out var value))
                return Refuse("the path holds an invalid escape", out error);
            if (value >= 0x80)
            {
                var length = ReadEscapes(path, i, run);
                if (Rune.DecodeFromUtf8(run[..length], out var rune, out var used) != System.Buffers.OperationStatus.Done)
                    return Refuse("the path holds an escape that is not UTF-8", out error);
                if (Rune.IsControl(rune))
                    return Refuse("the path holds a control character", out error);
                for (var k = 0; k < used; k++)
                    output.Append('%').Append(run[k].ToString("X2", null));
                i += 3 * used - 1;
                continue;
            }

            if (value is < 0x20 or 0x7F)
                return Refuse("the path holds a control character", out error);
            if ((char)value is '/' or '\\')
                return Refuse("the path holds an escaped slash or backslash", out error);
            if (value == '%' && TryReadEscape(path, i + 2, '\0', out _))
                return Refuse("the path is escaped twice", out error);
            if (IsUnreserved((char)value))
                output.Append((char)value);
            else
                output.Append('%').Append(value.ToString("X2", null));
            i += 2;
        }

        error = "";
        return true;
    }

    private static bool CheckSegments(string path, out string error)
    {
        var rest = path.AsSpan(1);
        while (true)
        {
            var slash = rest.IndexOf('/');
            var segment = slash < 0 ? rest : rest[..slash];
            if (segment.IsEmpty && slash >= 0)
                return Refuse("the path holds a doubled slash", out error);
            if (IsDots(segment))
                return Refuse("the path holds a dot segment", out error);
            if (slash < 0)
                break;
            rest = rest[(slash + 1)..];
        }

        error = "";
        return true;
    }

    // ".", "..", and what a server that cuts parameters off (";…") takes for them.
    private static bool IsDots(ReadOnlySpan<char> segment)
    {
        var rest = segment.TrimStart('.');
        return segment.Length - rest.Length is 1 or 2
            && (rest.IsEmpty || rest.StartsWith(";", StringComparison.Ordinal) || rest.StartsWith("%3B", StringComparison.Ordinal));
    }

    private static int ReadEscapes(string path, int at, Span<byte> run)
    {
        var count = 0;
        while (count < run.Length && TryReadEscape(path, at + 3 * count, out var value))
            run[count++] = value;
        return count;
    }

    private static bool TryReadEscape(string path, int at, out byte value) => TryReadEscape(path, at, '%', out value);

    // The sign in front may be given as NUL when it stands as an escape itself.
    private static bool TryReadEscape(string path, int at, char sign, out byte value)
    {
        value = 0;
        if (at + 2 >= path.Length || (sign != '\0' && path[at] != sign))
            return false;
        if (!char.IsAsciiHexDigit(path[at + 1]) || !char.IsAsciiHexDigit(path[at + 2]))
            return false;
        value = (byte)(FromHex(path[at + 1]) << 4 | FromHex(path[at + 2]));
        return true;
    }

    private static int FromHex(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    // RFC 3986 §3.3: pchar and the slash.
    private static bool IsPathCharacter(char c) => IsUnreserved(c) || "!$&'()*+,;=:@/".Contains(c);

    private static bool Refuse(string reason, out string error)
    {
        error = reason;
        return false;
    }
}
