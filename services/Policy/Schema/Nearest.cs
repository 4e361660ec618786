namespace Gatehouse.Policy.Schema;

/// <summary>The known word that a mistyped one was probably meant to be.</summary>
internal static class Nearest
{
    // Longer than any known word and its typing errors; bounds the work.
    private const int MaxLength = 40;

    /// <summary>The nearest of <paramref name="known"/>, or null when none is near.</summary>
    public static string? To(string text, IEnumerable<string> known)
    {
        if (text.Length is 0 or > MaxLength)
            return null;
        var (best, distance) = known
            .Select(word => (word, Distance(text.ToLowerInvariant(), word.ToLowerInvariant())))
            .DefaultIfEmpty(("", int.MaxValue))
            .MinBy(pair => pair.Item2);
        // "hots" is one away from "host" and from "hosts"; half of a word wrong is another word.
        return distance <= Math.Max(1, Math.Min(best.Length, text.Length) / 2) ? best : null;
    }

    // Insertions, deletions, changes, and exchanges of neighbours count one each (optimal string alignment).
    private static int Distance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            table[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            table[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                var change = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                table[i, j] = Math.Min(change, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }

        return table[a.Length, b.Length];
    }
}
