using System.Globalization;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Diffs;

/// <summary>A change as <c>diff -u</c> would show it, safe on a terminal: what the agent wrote can not move the cursor, hide a line or turn it around.</summary>
internal static class UnifiedDiff
{
    /// <summary>Larger files are named, not shown: nobody reads a diff of them.</summary>
    public const int MaxBytes = 4 << 20;

    private const int Context = 3;

    /// <summary>A line longer than this is cut, and says so.</summary>
    private const int MaxLine = 4096;

    /// <param name="output">Where to.</param>
    /// <param name="change">What changed.</param>
    /// <param name="old">The host's bytes; null for none, or too many.</param>
    /// <param name="now">The session's.</param>
    public static void Write(TextWriter output, Change change, byte[]? old, byte[]? now)
    {
        var path = change.Path.ToString();
        output.WriteLine($"{Describe(change)} {path}{(change.Type == FileType.Folder ? "/" : "")}{Modes(change)}");
        var hasOld = change.OldType is FileType.File or FileType.Link;
        var hasNew = change.Kind != ChangeKind.Deleted && change.Type is FileType.File or FileType.Link;
        if ((!hasOld && !hasNew) || (change.Kind == ChangeKind.Modified && !change.ContentChanged))
            return;
        if ((hasOld && old is null) || (hasNew && now is null))
        {
            output.WriteLine($"  too large, or not to be read: {change.OldSize:N0} bytes before, {change.Size:N0} now");
            return;
        }

        old = hasOld ? old! : [];
        now = hasNew ? now! : [];
        if (IsBinary(old) || IsBinary(now))
        {
            output.WriteLine($"  binary: {old.Length:N0} bytes before, {now.Length:N0} now");
            return;
        }

        output.WriteLine($"--- {(hasOld ? "a/" + path : "/dev/null")}");
        output.WriteLine($"+++ {(hasNew ? "b/" + path : "/dev/null")}");
        WriteHunks(output, Lines(old), Lines(now));
    }

    /// <summary>Two texts of one file, with its name.</summary>
    public static void WriteText(TextWriter output, string name, byte[] old, byte[] now)
    {
        output.WriteLine($"--- a/{name}");
        output.WriteLine($"+++ b/{name}");
        WriteHunks(output, Lines(old), Lines(now));
    }

    private static void WriteHunks(TextWriter output, List<ReadOnlyMemory<byte>> old, List<ReadOnlyMemory<byte>> now)
    {
        var blocks = LineDiff.Compare(old, now);
        for (var first = 0; first < blocks.Count;)
        {
            var last = first;
            while (last + 1 < blocks.Count && blocks[last + 1].OldStart - blocks[last].OldEnd <= 2 * Context)
                last++;
            var before = Math.Min(Context, blocks[first].OldStart);
            var after = Math.Min(Context, old.Count - blocks[last].OldEnd);
            var oldStart = blocks[first].OldStart - before;
            output.WriteLine($"@@ -{Range(oldStart, blocks[last].OldEnd + after)} +{Range(blocks[first].NewStart - before, blocks[last].NewEnd + after)} @@");
            var at = oldStart;
            for (; first <= last; first++)
            {
                WriteLines(output, ' ', old, at, blocks[first].OldStart);
                WriteLines(output, '-', old, blocks[first].OldStart, blocks[first].OldEnd);
                WriteLines(output, '+', now, blocks[first].NewStart, blocks[first].NewEnd);
                at = blocks[first].OldEnd;
            }

            WriteLines(output, ' ', old, at, at + after);
        }
    }

    private static void WriteLines(TextWriter output, char mark, List<ReadOnlyMemory<byte>> lines, int start, int end)
    {
        for (var at = start; at < end; at++)
        {
            var line = lines[at].Span;
            var hasEnd = line.EndsWith("\n"u8);
            if (hasEnd)
                line = line[..^1];
            output.Write(mark);
            output.Write(SafeText.EscapeLine(line[..Math.Min(line.Length, MaxLine)]));
            output.WriteLine(line.Length > MaxLine ? $" … {line.Length - MaxLine:N0} more bytes in this line" : "");
            if (!hasEnd)
                output.WriteLine(@"\ No newline at end of file");
        }
    }

    // Each with its newline, so that a missing last one is a difference.
    private static List<ReadOnlyMemory<byte>> Lines(byte[] content)
    {
        var lines = new List<ReadOnlyMemory<byte>>();
        for (var start = 0; start < content.Length;)
        {
            var length = content.AsSpan(start).IndexOf((byte)'\n');
            var end = length < 0 ? content.Length : start + length + 1;
            lines.Add(content.AsMemory(start, end - start));
            start = end;
        }

        return lines;
    }

    // As git decides: a NUL near the beginning.
    private static bool IsBinary(ReadOnlySpan<byte> content) => content[..Math.Min(content.Length, 8000)].Contains((byte)0);

    private static string Range(int start, int end)
    {
        var count = end - start;
        // An empty range is named by the line before it.
        var first = count == 0 ? start : start + 1;
        return count == 1 ? first.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{first},{count}");
    }

    private static string Describe(Change change) => change.Kind switch
    {
        ChangeKind.Added => "added",
        ChangeKind.Deleted => "deleted",
        ChangeKind.TypeChanged => "retyped",
        _ => "modified",
    };

    private static string Modes(Change change)
    {
        var text = change.ModeChanged ? $" (mode {Octal(change.OldMode!.Value)} → {Octal(change.Mode)})" : change.Kind == ChangeKind.TypeChanged ? $" ({change.OldType} → {change.Type})".ToLowerInvariant() : "";
        return change.HasSpecialBits ? text + " (set-id bits, which are never applied)" : text;
    }

    private static string Octal(uint mode) => Convert.ToString((int)mode, 8);
}
