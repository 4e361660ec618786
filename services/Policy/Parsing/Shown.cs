using System.Text;
using Gatehouse.Policy.Display;

namespace Gatehouse.Policy.Parsing;

/// <summary>Text of the policy inside messages: short, and without anything that a terminal would act on.</summary>
internal static class Shown
{
    private const int MaxLength = 64;

    public static string Quoted(string text) => $"'{Plain(text)}'";

    /// <summary>A message of somebody else's as the end of one of ours.</summary>
    public static string Sentence(string text) => Plain(text.TrimEnd('.'), 200);

    public static string Plain(string text, int maxLength = MaxLength)
    {
        var builder = new StringBuilder(Math.Min(text.Length, maxLength));
        var legible = new Legibility();
        foreach (var rune in text.EnumerateRunes())
        {
            if (builder.Length >= maxLength)
                return builder.Append('…').ToString();
            if (!legible.Shows(rune) || rune == Rune.ReplacementChar)
                builder.Append('?');
            else
                builder.Append(rune.ToString());
        }

        return builder.ToString();
    }
}
