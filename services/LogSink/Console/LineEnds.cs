using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Diffs;

namespace Gatehouse.LogSink.Console;

/// <summary>A browser gives a text back with line feeds alone. Lines that were not edited keep what they ended with, and new ones end as most do.</summary>
internal static class LineEnds
{
    public static string Keep(string before, string edited)
    {
        var lines = edited.ReplaceLineEndings("\n").Split('\n');
        if (!before.Contains('\r', StringComparison.Ordinal))
            return string.Join('\n', lines);
        var old = before.Split('\n');
        var isReturned = 2 * old[..^1].Count(line => line.EndsWith('\r')) > old.Length - 1;
        var ended = new bool[lines.Length];
        var (at, to) = (0, 0);
        foreach (var block in LineDiff.Compare(Bytes(old), Bytes(lines)))
        {
            Take(block.OldStart);
            for (; to < block.NewEnd; to++)
                ended[to] = isReturned;
            at = block.OldEnd;
        }

        Take(old.Length);
        return string.Concat(lines.Select((line, index) => index == lines.Length - 1 ? line : line + (ended[index] ? "\r\n" : "\n")));

        void Take(int until)
        {
            for (; at < until; at++, to++)
                ended[to] = old[at].EndsWith('\r');
        }
    }

    /// <summary>Whether every line ends with CR LF.</summary>
    public static bool AreReturned(string text) => text.Contains('\n', StringComparison.Ordinal) && text.Split('\n')[..^1].All(line => line.EndsWith('\r'));

    private static List<ReadOnlyMemory<byte>> Bytes(string[] lines) => [.. lines.Select(line => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(line.TrimEnd('\r')))];
}
