using System.Globalization;
using System.Text;

namespace Aspire.Hosting.Execution;

/// <summary>The lines of all resources in one place, each behind its resource's name; what could steer a terminal is made visible instead.</summary>
internal sealed class ConsoleLog
{
    /// <summary>Longer lines are cut: a resource may print what an agent sent.</summary>
    private const int MaxLine = 4096;

    private static readonly string[] s_colours = ["\e[36m", "\e[33m", "\e[32m", "\e[35m", "\e[34m", "\e[96m"];

    private readonly Lock _lock = new();
    private readonly bool _isTerminal = !Console.IsOutputRedirected;

    public void Say(string resource, string text) => Write(resource, text);

    public async Task ForwardAsync(string resource, StreamReader lines)
    {
        var line = new StringBuilder();
        var buffer = new char[4096];
        int read;
        while ((read = await lines.ReadAsync(buffer)) > 0)
        {
            foreach (var character in buffer.AsMemory(0, read).ToArray())
            {
                if (character == '\n')
                {
                    Write(resource, line.ToString());
                    line.Clear();
                }
                else if (line.Length < MaxLine)
                {
                    line.Append(character);
                }
            }
        }

        if (line.Length > 0)
            Write(resource, line.ToString());
    }

    private void Write(string resource, string text)
    {
        var safe = new StringBuilder();
        foreach (var rune in text.TrimEnd('\r').EnumerateRunes())
        {
            if (rune.Value != '\t' && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            else
                safe.Append(rune);
        }

        var (colour, end) = _isTerminal ? (s_colours[(uint)string.GetHashCode(resource, StringComparison.Ordinal) % s_colours.Length], "\e[0m") : ("", "");
        lock (_lock)
            Console.Out.WriteLine($"{colour}[{resource}]{end} {safe}");
    }
}
