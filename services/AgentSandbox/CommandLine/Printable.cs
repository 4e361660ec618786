using System.Globalization;
using System.Text;
using Gatehouse.Policy.Display;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>Text that an agent had a hand in, made safe for a terminal: no escape sequence, no bidirectional override, nothing that is not seen, one line.</summary>
internal static class Printable
{
    public static string Line(string text)
    {
        var safe = new StringBuilder(text.Length);
        var legible = new Legibility();
        foreach (var rune in text.EnumerateRunes())
        {
            if (legible.Shows(rune))
                safe.Append(rune);
            else
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }

        return safe.ToString();
    }
}

/// <summary>Sizes for people.</summary>
internal static class Bytes
{
    public static string Display(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:0.#} GiB"),
    };
}
