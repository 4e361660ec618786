using System.Globalization;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Schema;

/// <summary>What a shape wants, in the words of a fix.</summary>
internal static class Expected
{
    /// <summary>What to write for a value of this shape.</summary>
    public static string Of(Shape shape) => shape switch
    {
        ObjectShape of => $"a mapping: {{ {string.Join(", ", Shortest(of).Select(Entry))} }}",
        MapShape map => $"a mapping: {{ NAME: {Example(map.Value)} }}",
        ListShape { OrOne: true } list => $"{Example(list.Item)}, or a list: [{Example(list.Item)}]",
        ListShape list => $"a list: [{Example(list.Item)}]",
        EitherShape either => Of(either.Plain),
        TextShape text => $"text, such as {text.Example}",
        WordShape words => string.Join(" or ", words.Words.Select(word => word.Text)),
        DecimalShape { Max: double.MaxValue } => "a number",
        IntegerShape one when one.Min == one.Max => Number(one.Min),
        IntegerShape integer => $"a whole number from {Number(integer.Min)} to {Number(integer.Max)}",
        DecimalShape number => string.Create(CultureInfo.InvariantCulture, $"a number from {number.Min} to {number.Max}, such as 1.5"),
        SizeShape size => $"a size from {Number(size.Min)} to {Number(size.Max)} bytes, such as 512MiB or 4GiB",
        SwitchShape => "true or false",
        DurationShape { Max.Days: 0 } duration => $"a duration from 1s to {(int)duration.Max.TotalMinutes}m, such as 2m or 90s",
        DurationShape duration => $"a duration up to {duration.Max.Days} days, such as 8h, 1h30m or 90s",
        _ => "something else",
    };

    /// <summary>A key with a value that is right.</summary>
    public static string Entry(Key key) => $"{key.Name}: {Example(key.Shape)}";

    /// <summary>Whether a number or quantity is of its kind and within its range.</summary>
    public static bool IsMet(ScalarNode scalar, Shape shape) => shape switch
    {
        IntegerShape integer => scalar.IsPlain && Quantity.TryParseInteger(scalar.Text, out var value) && value >= integer.Min
            && value <= integer.Max,
        DecimalShape number => scalar.IsPlain && Quantity.TryParseDecimal(scalar.Text, out var value) && value >= number.Min
            && value <= number.Max,
        SizeShape size => Quantity.TryParseSize(scalar.Text, out var value) && value >= size.Min && value <= size.Max,
        SwitchShape => scalar is { IsPlain: true, Text: "true" or "false" },
        DurationShape duration => Quantity.TryParseDuration(scalar.Text, out var value) && value > TimeSpan.Zero && value <= duration.Max,
        _ => false,
    };

    /// <summary>What to write in place of a value that does not meet its shape.</summary>
    public static string Fix(ScalarNode scalar, Shape shape) =>
        !scalar.IsPlain && IsMet(scalar with { IsPlain = true }, shape)
            ? $"Write {scalar.Text} without quotes."
            : $"Write {Of(shape)}.";

    private static IEnumerable<Key> Shortest(ObjectShape shape)
    {
        var required = shape.Keys.Where(key => key.IsRequired);
        return required.Any() ? required : shape.Keys.Take(1);
    }

    private static string Example(Shape shape) => shape switch
    {
        TextShape text => text.Example,
        WordShape words => words.Words[0].Text,
        IntegerShape integer => Number(integer.Min > 0 && integer.Max == 65535 ? 443 : Math.Max(integer.Min, 1)),
        DecimalShape => "2",
        SizeShape => "512MiB",
        SwitchShape => "true",
        DurationShape { Max.Days: 0 } => "2m",
        DurationShape => "8h",
        ListShape { OrOne: true } list => Example(list.Item),
        ListShape list => $"[{Example(list.Item)}]",
        EitherShape either => Example(either.Plain),
        ObjectShape of => $"{{ {string.Join(", ", Shortest(of).Select(Entry))} }}",
        MapShape map => $"{{ NAME: {Example(map.Value)} }}",
        _ => "…",
    };

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
