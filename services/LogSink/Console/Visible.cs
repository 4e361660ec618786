using System.Globalization;
using System.Text;
using Gatehouse.Policy.Display;

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
    public static string Text(string? text, int most = Cell) => Text(text, most, isContent: false);

    /// <summary>A line of a file: as above, and its tabs are what they are.</summary>
    public static string Line(string? text, int most) => Text(text, most, isContent: true);

    private static string Text(string? text, int most, bool isContent)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var shown = new StringBuilder(Math.Min(text.Length, most) + 16);
        var (count, legible) = (0, new Legibility());
        foreach (var rune in text.EnumerateRunes())
        {
            if (count++ == most)
                return shown.Append(CultureInfo.InvariantCulture, $"… ({text.Length:N0} characters)").ToString();
            if (legible.Shows(rune) || (rune.Value == '\n' && most == Whole) || (rune.Value == '\t' && isContent))
                shown.Append(rune.ToString());
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
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

    /// <summary>Until something ends.</summary>
    public static string Left(TimeSpan time) => time.TotalSeconds < 1 ? "no time left" : time.TotalMinutes >= 1 ? $"{Duration(time)} left" : $"{(int)time.TotalSeconds} s left";

    /// <summary>Of a span: as exact as a person compares.</summary>
    public static string Milliseconds(double time) =>
        time < 1 ? time.ToString("0.### ms", CultureInfo.InvariantCulture)
        : time < 1_000 ? time.ToString("0.0 ms", CultureInfo.InvariantCulture)
        : Duration(TimeSpan.FromMilliseconds(Math.Min(time, TimeSpan.MaxValue.TotalMilliseconds / 2)));
}
