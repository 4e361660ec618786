using System.Collections.Immutable;
using System.Text;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>Makes whatever an agent sent fit for a record: bounded, and valid Unicode.</summary>
internal static class EventDraft
{
    public const int MaxSubject = 2048, MaxDetail = 4096, MaxDetails = 32;

    public static BoundaryEvent Bound(BoundaryEvent each) => each with
    {
        Subject = Text(each.Subject, MaxSubject),
        Action = Text(each.Action, 64),
        Rule = each.Rule is null ? null : Text(each.Rule, MaxSubject),
        Reason = each.Reason is null ? null : Text(each.Reason, MaxSubject),
        Detail = each.Detail?.Take(MaxDetails).ToImmutableSortedDictionary(entry => Text(entry.Key, 64), entry => Text(entry.Value, MaxDetail), StringComparer.Ordinal),
    };

    /// <summary>Cut, with lone surrogates replaced: JSON can not hold them.</summary>
    public static string Text(string text, int most)
    {
        if (text.Length > most)
            text = text[..(most - 1)] + "…";
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            clean.Append(rune);
        return clean.ToString();
    }
}
