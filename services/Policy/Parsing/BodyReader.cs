using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.Policy.Parsing;

/// <summary>Reads <c>body:</c> of a call: each member is one glob, a list of globs, or a range of numbers.</summary>
internal static class BodyReader
{
    public static ImmutableDictionary<string, BodyRule> Read(Section call)
    {
        var rules = ImmutableDictionary.CreateBuilder<string, BodyRule>(StringComparer.Ordinal);
        var body = call.Child("body");
        foreach (var (name, value) in call.Entries("body"))
        {
            var key = name.Scalar!;
            if (value.Entries is null)
            {
                rules[key] = new([.. body.Scalars(key).Select(glob => glob.Scalar!)], null, null);
                continue;
            }

            var range = body.Child(key);
            foreach (var (bound, _) in value.Entries.Where(entry => entry.Key.Scalar is not ("min" or "max")))
                range.Error(bound, $"{range.Path}.{bound.Scalar} is not known", "Write min, max or both");
            rules[key] = new([], Bound("min"), Bound("max"));

            double? Bound(string which) => range.Read(which, (string text, out double number) =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number), "Write a number");
        }

        return rules.ToImmutable();
    }
}
