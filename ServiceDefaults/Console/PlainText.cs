using System.Buffers;
using System.Globalization;
using System.Text;

namespace Gatehouse.ServiceDefaults.Console;

/// <summary>Text without anything that a terminal acts on: it is shown as <c>\u{1B}</c> instead.</summary>
internal static class PlainText
{
    /// <summary>Printable ASCII needs no look at its Unicode category.</summary>
    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    public static void Write(TextWriter writer, ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAnyExcept(s_plain);
            if (plain < 0)
                plain = text.Length;
            writer.Write(text[..plain]);
            text = text[plain..];
            if (text.IsEmpty)
                return;
            _ = Rune.DecodeFromUtf16(text, out var rune, out var length);
            WriteRune(writer, rune, text[..length]);
            text = text[length..];
        }
    }

    private static void WriteRune(TextWriter writer, Rune rune, ReadOnlySpan<char> as16)
    {
        if (rune.Value == '\n')
        {
            // Stack traces stay readable on their one line.
            writer.Write(" ⏎ ");
        }
        else if (IsActedOn(rune))
        {
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}"));
        }
        else
        {
            // A lone surrogate has been decoded to U+FFFD, which is what to show.
            writer.Write(rune == Rune.ReplacementChar ? "\uFFFD" : as16);
        }
    }

    /// <summary>Controls (C0, DEL, C1), format characters (bidirectional marks, zero-width), and the Unicode line ends.</summary>
    private static bool IsActedOn(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
