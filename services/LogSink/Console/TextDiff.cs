using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Diffs;

namespace Gatehouse.LogSink.Console;

/// <summary>What an edit changes, as lines with their sign.</summary>
internal static class TextDiff
{
    private const int Context = 2;

    /// <returns>' ', '+' or '-', with the line; '…' between places.</returns>
    public static List<(char Sign, string Line)> Compare(string old, string now)
    {
        var isReturned = LineEnds.AreReturned(old) && LineEnds.AreReturned(now);
        var (before, after) = (Lines(old, isReturned), Lines(now, isReturned));
        var shown = new List<(char, string)>();
        var at = 0;
        foreach (var block in LineDiff.Compare(before, after))
        {
            var from = Math.Max(at, block.OldStart - Context);
            if (from > at)
            {
                // What follows the block before.
                for (var tail = at; shown.Count > 0 && tail < Math.Min(at + Context, from); tail++)
                    shown.Add((' ', Text(before[tail])));
                shown.Add(('…', ""));
            }

            for (var line = from; line < block.OldStart; line++)
                shown.Add((' ', Text(before[line])));
            for (var line = block.OldStart; line < block.OldEnd; line++)
                shown.Add(('-', Text(before[line])));
            for (var line = block.NewStart; line < block.NewEnd; line++)
                shown.Add(('+', Text(after[line])));
            at = block.OldEnd;
        }

        for (var line = at; shown.Count > 0 && line < Math.Min(at + Context, before.Count); line++)
            shown.Add((' ', Text(before[line])));
        return shown;
    }

    // Line ends are a part of it, but where all are the same before and after.
    private static List<ReadOnlyMemory<byte>> Lines(string text, bool isReturned) =>
        [.. text.Split('\n').Select(line => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(isReturned && line.EndsWith('\r') ? line[..^1] : line))];

    private static string Text(ReadOnlyMemory<byte> line) => Encoding.UTF8.GetString(line.Span);
}
