using System.Buffers;
using System.Globalization;
using System.Text;
using Gatehouse.Policy.Display;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>
/// Bytes that an agent chose, as text that is safe on a terminal and stands for exactly these bytes: what is not printable UTF-8 is escaped, as is the
/// backslash. An agent can so neither move the cursor nor show a name as another one (bidirectional overrides, invisible characters).
/// </summary>
internal static class SafeText
{
    /// <summary>One line; <see cref="TryUnescape"/> is its inverse.</summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Append(text, bytes, isContent: false);
        return text.ToString();
    }

    /// <summary>A line of a file's content: tabs and backslashes stay as they are.</summary>
    public static string EscapeLine(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Append(text, bytes, isContent: true);
        return text.ToString();
    }

    /// <summary>False when an escape is incomplete or unknown.</summary>
    public static bool TryUnescape(string text, out byte[] bytes)
    {
        bytes = [];
        var writer = new ArrayBufferWriter<byte>(text.Length + 1);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                var length = char.IsSurrogatePair(text, i) ? 2 : 1;
                writer.Advance(Encoding.UTF8.GetBytes(text.AsSpan(i, length), writer.GetSpan(4)));
                i += length - 1;
                continue;
            }

            if (++i == text.Length)
                return false;
            if (!TryEscape(text, ref i, writer))
                return false;
        }

        bytes = writer.WrittenSpan.ToArray();
        return true;
    }

    private static bool TryEscape(string text, ref int at, ArrayBufferWriter<byte> writer)
    {
        switch (text[at])
        {
            case '\\':
                writer.Write("\\"u8);
                return true;
            case 'n':
                writer.Write("\n"u8);
                return true;
            case 't':
                writer.Write("\t"u8);
                return true;
            case 'x' when at + 2 < text.Length && byte.TryParse(text.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var one):
                writer.Write([one]);
                at += 2;
                return true;
            case 'u' when at + 1 < text.Length && text[at + 1] == '{' && text.IndexOf('}', at) is var end && end > 0
                && int.TryParse(text.AsSpan(at + 2, end - at - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && Rune.IsValid(value):
                writer.Advance(new Rune(value).EncodeToUtf8(writer.GetSpan(4)));
                at = end;
                return true;
            default:
                return false;
        }
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> bytes, bool isContent)
    {
        var legible = new Legibility();
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var used);
            if (status != OperationStatus.Done)
            {
                // A mark that follows would stand on the escape.
                legible = new();
                foreach (var one in bytes[..used])
                    text.Append(CultureInfo.InvariantCulture, $"\\x{one:x2}");
            }
            else
            {
                Append(text, rune, legible.Shows(rune), isContent);
            }

            bytes = bytes[used..];
        }
    }

    private static void Append(StringBuilder text, Rune rune, bool isLegible, bool isContent)
    {
        switch (rune.Value)
        {
            case '\\' when !isContent:
                text.Append(@"\\");
                break;
            case '\t' when isContent:
                text.Append('\t');
                break;
            case '\n':
                text.Append(@"\n");
                break;
            case '\t':
                text.Append(@"\t");
                break;
            case < 0x20 or 0x7f:
                text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
                break;
            default:
                if (isLegible)
                    text.Append(rune);
                else
                    text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
                break;
        }
    }
}
