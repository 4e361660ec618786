using System.Globalization;
using System.Text;

namespace Gatehouse.LogSink.Console;

/// <summary>
/// What an agent chose, made fit to be looked at: nothing of it moves, hides or turns around text. Markup is not its concern: components encode all text.
/// </summary>
internal static class Visible
{
    /// <summary>Characters of a cell; the rest is shown where the whole record is.</summary>
    public const int Cell = 200;

    /// <summary>Characters of anything at all.</summary>
    public const int Whole = 20_000;

    /// <summary>At most so many characters, with every one that could not be seen as <c>\u{…}</c>.</summary>
    public static string Text(string? text, int most = Cell)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var shown = new StringBuilder(Math.Min(text.Length, most) + 16);
        var count = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (count++ == most)
                return shown.Append(CultureInfo.InvariantCulture, $"… ({text.Length:N0} characters)").ToString();
            if (rune.Value == '\n' && most == Whole)
                shown.Append('\n');
            else if (IsInvisible(rune))
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
            else
                shown.Append(rune.ToString());
        }

        return shown.ToString();
    }

    /// <summary>Decimal with a binary unit.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{bytes.ToString(CultureInfo.InvariantCulture)} B" : $"{value.ToString("0.0", CultureInfo.InvariantCulture)} {units[unit]}";
    }

    public static string Duration(TimeSpan time) =>
        time.TotalDays >= 1 ? $"{(int)time.TotalDays} d {time.Hours} h"
        : time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s"
        : $"{time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s";

    /// <summary>Of a span: as exact as a person compares.</summary>
    public static string Milliseconds(double time) =>
        time < 1 ? time.ToString("0.### ms", CultureInfo.InvariantCulture)
        : time < 1_000 ? time.ToString("0.0 ms", CultureInfo.InvariantCulture)
        : Duration(TimeSpan.FromMilliseconds(Math.Min(time, TimeSpan.MaxValue.TotalMilliseconds / 2)));

    // Controls, line and paragraph separators, marks that turn text around or join it, everything of width nothing, tags, halves of characters.
    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        // Blank although letters: HANGUL FILLERs and BRAILLE PATTERN BLANK.
        || rune.Value is 0x115F or 0x1160 or 0x3164 or 0xFFA0 or 0x2800;
}
