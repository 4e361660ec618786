using System.Globalization;

namespace Gatehouse.Policy.Parsing;

/// <summary>Sizes and durations as policies write them.</summary>
internal static class Units
{
    private static readonly (string Suffix, long Factor)[] s_sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ];

    /// <summary><c>512MiB</c>, <c>50MB</c>, <c>4096</c> → bytes; 1 byte to 1 PiB.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        bytes = 0;
        foreach (var (suffix, factor) in s_sizes)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            if (!long.TryParse(text.AsSpan(0, text.Length - suffix.Length).TrimEnd(' '), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                || count < 1 || count > (1L << 50) / factor)
            {
                return false;
            }

            bytes = count * factor;
            return true;
        }

        return false;
    }

    /// <summary><c>8h</c>, <c>1h30m</c>, <c>90s</c>, <c>2d</c>; units in that order, each at most once; 1 s to 365 days.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        long seconds = 0;
        var rest = text.AsSpan();
        foreach (var (unit, factor) in new[] { ('d', 86_400L), ('h', 3_600L), ('m', 60L), ('s', 1L) })
        {
            var at = rest.IndexOf(unit);
            if (at < 0)
                continue;
            if (!int.TryParse(rest[..at], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                return false;
            seconds += count * factor;
            rest = rest[(at + 1)..];
        }

        duration = TimeSpan.FromSeconds(Math.Min(seconds, 366L * 86_400));
        return rest.IsEmpty && seconds is > 0 and <= 365L * 86_400;
    }
}
