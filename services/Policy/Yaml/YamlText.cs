using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Yaml;

/// <summary>
/// Refuses characters that let a policy look other than it is: controls, line breaks that only some programs see, bidirectional overrides
/// (CVE-2021-42574), and characters without width.
/// </summary>
internal static class YamlText
{
    public static bool Check(string yaml, ErrorList errors)
    {
        int line = 1, lineStart = 0;
        for (var i = 0; i < yaml.Length; i++)
        {
            var c = yaml[i];
            if (c == '\n' || (c == '\r' && (i + 1 == yaml.Length || yaml[i + 1] != '\n')))
            {
                line++;
                lineStart = i + 1;
            }
            else if (!IsVisible(yaml, i))
            {
                errors.Add(new Position(line, i - lineStart + 1), $"An invisible or broken character (U+{(int)c:X4}) is not taken here",
                    "Remove it; where it is meant, write it as an escape in double quotes.");
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Whether the character at <paramref name="at"/> shows as itself; half of a surrogate pair only beside the other half.
    /// </summary>
    public static bool IsVisible(string text, int at)
    {
        var c = text[at];
        if (c is (>= ' ' and < '\x7F') or '\t' or '\r' or '\n')
            return true;
        if (char.IsHighSurrogate(c))
            return at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
        if (char.IsLowSurrogate(c))
            return at > 0 && char.IsHighSurrogate(text[at - 1]);
        return c switch
        {
            < '\xA0' => false,                       // C0, DEL, C1 with NEL
            '\u00AD' => false,                       // soft hyphen
            '\u061C' or '\u180E' => false,           // Arabic letter mark, Mongolian vowel separator
            >= '\u200B' and <= '\u200F' => false,    // zero-width space, joiners, marks of direction
            >= '\u2028' and <= '\u202E' => false,    // line and paragraph separator, embeddings and overrides
            >= '\u2060' and <= '\u206F' => false,    // word joiner, isolates
            '\uFEFF' or '\uFFFE' or '\uFFFF' => false,
            '\uFFFD' => false,                       // what bytes that are no UTF-8 become
            _ => true,
        };
    }
}
