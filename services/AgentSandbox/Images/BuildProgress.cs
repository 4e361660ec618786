using System.Globalization;
using System.Text;

namespace Gatehouse.AgentSandbox.Images;

/// <summary>
/// Reads an engine's build output and shows where it is: one line that is rewritten on a terminal, one line a step elsewhere. Not thread-safe.
/// </summary>
/// <remarks>Docker: <c>Step 3/26 : RUN x</c>. Podman: <c>STEP 3/26: RUN x</c>. BuildKit: <c>#7 [3/12] RUN x</c>.</remarks>
internal sealed class BuildProgress(TextWriter output, bool terminal, TimeProvider time)
{
    private const int KeptLines = 20;
    private const int MaxText = 60;
    private readonly long _start = time.GetTimestamp();
    private readonly Queue<string> _last = new();
    private string _step = "starting";

    /// <summary>The end of what the engine said, for the error message.</summary>
    public IEnumerable<string> LastLines => _last;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    public void Read(string line)
    {
        if (!TryReadStep(line, out var number, out var count, out var text))
        {
            if (line.Length > 0)
                _last.Enqueue(line.Length > 400 ? line[..400] : line);
            if (_last.Count > KeptLines)
                _ = _last.Dequeue();
            return;
        }

        _step = $"step {number} of {count}  {Shorten(text)}";
        if (terminal)
            Tick();
        else
            output.WriteLine($"{_step}  ({Seconds()})");
    }

    /// <summary>Shows the time going by.</summary>
    public void Tick()
    {
        if (terminal)
            output.Write($"\r\u001b[K{_step}  {Seconds()}");
    }

    public void Clear()
    {
        if (terminal)
            output.Write("\r\u001b[K");
    }

    internal static bool TryReadStep(ReadOnlySpan<char> line, out int number, out int count, out string text)
    {
        (number, count, text) = (0, 0, "");
        var buildKit = line.StartsWith("#", StringComparison.Ordinal);
        var open = buildKit ? line.IndexOf('[') : line.StartsWith("step ", StringComparison.OrdinalIgnoreCase) ? 4 : -1;
        if (open < 0)
            return false;
        var rest = line[(open + 1)..];
        var slash = rest.IndexOf('/');
        var end = rest.IndexOf(buildKit ? ']' : ':');
        if (slash < 0 || end < slash)
            return false;
        // BuildKit may name a stage first: [stage-1 3/12].
        var first = rest[..slash];
        first = first[(first.LastIndexOf(' ') + 1)..];
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            || !int.TryParse(rest[(slash + 1)..end].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out count))
            return false;
        text = rest[(end + 1)..].Trim().ToString();
        return true;
    }

    private static string Shorten(string text)
    {
        var shown = new StringBuilder();
        foreach (var character in text.Length > MaxText ? text[..(MaxText - 1)] + "…" : text)
            shown.Append(char.IsControl(character) ? ' ' : character);
        return shown.ToString();
    }

    private string Seconds() => Elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) + " s";
}
