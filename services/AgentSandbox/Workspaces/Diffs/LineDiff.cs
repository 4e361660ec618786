namespace Gatehouse.AgentSandbox.Workspaces.Diffs;

/// <summary>Which lines of one text are not in another: Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986), bounded.</summary>
internal static class LineDiff
{
    /// <summary>
    /// Insertions and deletions searched for; memory grows with the square (8 MiB at this bound). Texts that differ more are shown as one block replaced.
    /// </summary>
    private const int MaxEdits = 1024;

    /// <returns>Blocks that differ, in order; between them the texts are the same.</returns>
    public static List<DiffBlock> Compare(IReadOnlyList<ReadOnlyMemory<byte>> old, IReadOnlyList<ReadOnlyMemory<byte>> now)
    {
        var start = 0;
        while (start < old.Count && start < now.Count && Same(old[start], now[start]))
            start++;
        int oldEnd = old.Count, nowEnd = now.Count;
        while (oldEnd > start && nowEnd > start && Same(old[oldEnd - 1], now[nowEnd - 1]))
        {
            oldEnd--;
            nowEnd--;
        }

        if (oldEnd == start && nowEnd == start)
            return [];
        var trace = Search(old, now, start, oldEnd, nowEnd);
        return trace is null ? [new(start, oldEnd, start, nowEnd)] : Blocks(trace, start, oldEnd, nowEnd);
    }

    // For each number of edits, how far down each diagonal one gets; null when there are too many.
    private static List<int[]>? Search(IReadOnlyList<ReadOnlyMemory<byte>> old, IReadOnlyList<ReadOnlyMemory<byte>> now, int start, int oldEnd, int nowEnd)
    {
        int rows = oldEnd - start, columns = nowEnd - start;
        var most = Math.Min(MaxEdits, rows + columns);
        var furthest = new int[2 * most + 3];
        var middle = most + 1;
        var trace = new List<int[]>();
        for (var edits = 0; edits <= most; edits++)
        {
            trace.Add(furthest[(middle - edits)..(middle + edits + 1)]);
            for (var diagonal = -edits; diagonal <= edits; diagonal += 2)
            {
                var isDown = diagonal == -edits || (diagonal != edits && furthest[middle + diagonal - 1] < furthest[middle + diagonal + 1]);
                var x = isDown ? furthest[middle + diagonal + 1] : furthest[middle + diagonal - 1] + 1;
                var y = x - diagonal;
                while (x < rows && y < columns && Same(old[start + x], now[start + y]))
                {
                    x++;
                    y++;
                }

                furthest[middle + diagonal] = x;
                if (x >= rows && y >= columns)
                    return trace;
            }
        }

        return null;
    }

    // Back from the end along the diagonals that got there.
    private static List<DiffBlock> Blocks(List<int[]> trace, int start, int oldEnd, int nowEnd)
    {
        int x = oldEnd - start, y = nowEnd - start;
        var blocks = new List<DiffBlock>();
        for (var edits = trace.Count - 1; edits > 0; edits--)
        {
            // What the step before it knew: diagonals -edits+1 to edits-1, kept with one more at each side.
            var before = trace[edits];
            var diagonal = x - y;
            var isDown = diagonal == -edits || (diagonal != edits && before[edits + diagonal - 1] < before[edits + diagonal + 1]);
            var previous = isDown ? diagonal + 1 : diagonal - 1;
            var fromX = before[edits + previous];
            var fromY = fromX - previous;
            var toX = isDown ? fromX : fromX + 1;
            var toY = isDown ? fromY + 1 : fromY;
            if (blocks is [.., var last] && last.OldStart == start + toX && last.NewStart == start + toY)
                blocks[^1] = last with { OldStart = start + fromX, NewStart = start + fromY };
            else
                blocks.Add(new(start + fromX, start + toX, start + fromY, start + toY));
            x = fromX;
            y = fromY;
        }

        blocks.Reverse();
        return blocks;
    }

    private static bool Same(ReadOnlyMemory<byte> left, ReadOnlyMemory<byte> right) => left.Span.SequenceEqual(right.Span);
}

/// <summary>Lines <c>OldStart..OldEnd</c> became lines <c>NewStart..NewEnd</c>; from 0, ends excluded.</summary>
internal readonly record struct DiffBlock(int OldStart, int OldEnd, int NewStart, int NewEnd);
