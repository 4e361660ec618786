using System.Collections.Immutable;
using System.Text;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>Makes whatever an agent sent fit for a record: bounded, and valid Unicode.</summary>
internal static class EventDraft
{
    public const int MaxSubject = 2048, MaxDetail = 4096, MaxDetails = 32;

    private const int MaxName = 64;

    /// <summary>JSON numbers are exact up to here in every language (RFC 8259 §6).</summary>
    private const long MaxBytes = 1L << 53;

    public static BoundaryEvent Bound(BoundaryEvent each) => each with
    {
        Subject = Text(each.Subject, MaxSubject),
        Action = Text(each.Action, MaxName),
        Rule = each.Rule is null ? null : Text(each.Rule, MaxSubject),
        Reason = each.Reason is null ? null : Text(each.Reason, MaxSubject),
        BytesSent = Math.Clamp(each.BytesSent, 0, MaxBytes),
        BytesReceived = Math.Clamp(each.BytesReceived, 0, MaxBytes),
        DurationMs = double.IsFinite(each.DurationMs) ? Math.Max(0, each.DurationMs) : 0,
        Detail = each.Detail is null || IsBound(each.Detail) ? each.Detail : Bound(each.Detail),
    };

    /// <summary>Cut, with lone surrogates replaced: JSON can not hold them.</summary>
    public static string Text(string text, int most)
    {
        if (text.Length > most)
            text = text[..(most - 1)] + "…";
        if (!HasSurrogates(text))
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            clean.Append(rune);
        return clean.ToString();
    }

    // Nearly all are, and making another takes longer than all else.
    private static bool IsBound(ImmutableSortedDictionary<string, string> detail)
    {
        if (detail.Count > MaxDetails)
            return false;
        foreach (var (name, value) in detail)
        {
            if (name.Length is 0 or > MaxName || value.Length > MaxDetail || HasSurrogates(name) || HasSurrogates(value))
                return false;
        }
        return true;
    }

    private static bool HasSurrogates(string text) => text.AsSpan().ContainsAnyInRange('\ud800', '\udfff');

    private static ImmutableSortedDictionary<string, string> Bound(ImmutableSortedDictionary<string, string> detail)
    {
        var bounded = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in detail.Take(MaxDetails))
            bounded[name.Length == 0 ? "_" : Text(name, MaxName)] = Text(value, MaxDetail); // Two long names may be one when cut.
        return bounded.ToImmutable();
    }
}
