using System.Buffers;
using System.Globalization;

namespace Gatehouse.Policy.Schema;

/// <summary>Numbers with units, as policies write them.</summary>
internal static class Quantity
{
    /// <summary>Sizes as a regular expression, for editors.</summary>
    public const string SizePattern = "^(0|[1-9][0-9]*)(B|[kKMGT]B|[KMGT]iB)?$";

    /// <summary>Durations as a regular expression, for editors.</summary>
    public const string DurationPattern = "^(?=.)([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$";

    private static readonly (string Name, long Factor)[] SizeUnits =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    private static readonly SearchValues<char> DecimalCharacters = SearchValues.Create("0123456789.");

    // The largest first: the order that they are written in.
    private static readonly (char Name, long Seconds)[] DurationUnits = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

    /// <summary>Decimal digits without sign, leading zero or separator: what reads the same in every version of YAML.</summary>
    public static bool TryParseInteger(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        var digits = text is ['-', ..] ? text[1..] : text;
        return digits.Length is > 0 and <= 19
            && (digits[0] != '0' || text.Length == 1)
            && digits.IndexOfAnyExceptInRange('0', '9') < 0
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    /// <summary><c>2</c>, <c>-0.5</c>.</summary>
    public static bool TryParseDecimal(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        var digits = text is ['-', ..] ? text[1..] : text;
        return digits.Length is > 0 and <= 20
            && digits.IndexOfAnyExcept(DecimalCharacters) < 0
            && char.IsAsciiDigit(digits[0]) && char.IsAsciiDigit(digits[^1])
            && double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                out value);
    }

    /// <summary>Bytes: <c>512MiB</c>, <c>50MB</c>, <c>4096</c>.</summary>
    public static bool TryParseSize(ReadOnlySpan<char> text, out long bytes)
    {
        var factor = 1L;
        foreach (var unit in SizeUnits)
        {
            if (!text.EndsWith(unit.Name, StringComparison.Ordinal))
                continue;
            factor = unit.Factor;
            text = text[..^unit.Name.Length];
            break;
        }

        if (!TryParseInteger(text, out bytes) || bytes < 0 || bytes > long.MaxValue / factor)
            return false;
        bytes *= factor;
        return true;
    }

    /// <summary><c>8h</c>, <c>1h30m</c>, <c>90s</c>; each unit once, the larger first.</summary>
    public static bool TryParseDuration(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        var seconds = 0L;
        var lastUnit = -1;
        if (text.IsEmpty)
            return false;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExceptInRange('0', '9');
            // Nine digits of days are still far from overflow.
            if (digits is <= 0 or > 9 || !TryParseInteger(text[..digits], out var number))
                return false;
            var unit = text[digits];
            var index = Array.FindIndex(DurationUnits, candidate => candidate.Name == unit);
            if (index <= lastUnit)
                return false;
            lastUnit = index;
            seconds += number * DurationUnits[index].Seconds;
            text = text[(digits + 1)..];
        }

        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
