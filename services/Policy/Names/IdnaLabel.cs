namespace Gatehouse.Policy.Names;

/// <summary>
/// Unicode labels to A-labels (RFC 5891 §5), strictly. The programs run without globalization data, so nothing here can normalise
/// (NFC) or map (UTS 46). So only characters for which both do nothing are taken, after simple lower-casing: precomposed Latin,
/// Greek and Cyrillic letters, Armenian, Georgian, Han, kana and Hangul syllables. Everything else is refused rather than guessed at —
/// combining marks, compatibility forms, joiners, right-to-left scripts, and <c>ß</c> and <c>ς</c>, which IDNA 2003 and 2008 read
/// differently — and can be written as the A-label (<c>xn--…</c>) that it is on the wire.
/// </summary>
internal static class IdnaLabel
{
    private enum Script
    {
        Any,
        Latin,
        Greek,
        Cyrillic,
        Armenian,
        Georgian,
        EastAsian,
    }

    private static readonly (char First, char Last, Script Script)[] Ranges =
    [
        ('-', '-', Script.Any), ('0', '9', Script.Any), ('_', '_', Script.Any), ('a', 'z', Script.Latin),
        ('\u00E0', '\u00F6', Script.Latin), ('\u00F8', '\u00FF', Script.Latin),
        ('\u0101', '\u012F', Script.Latin), ('\u0131', '\u0131', Script.Latin), ('\u0135', '\u013E', Script.Latin),
        ('\u0142', '\u0148', Script.Latin),
        ('\u014B', '\u017E', Script.Latin), ('\u0219', '\u021B', Script.Latin), ('\u1EA1', '\u1EF9', Script.Latin),
        ('\u03AC', '\u03C1', Script.Greek), ('\u03C3', '\u03CE', Script.Greek),
        ('\u0430', '\u045F', Script.Cyrillic), ('\u0491', '\u0491', Script.Cyrillic),
        ('\u0561', '\u0586', Script.Armenian), ('\u10D0', '\u10F0', Script.Georgian),
        ('\u3005', '\u3007', Script.EastAsian), ('\u3041', '\u3096', Script.EastAsian), ('\u30A1', '\u30FA', Script.EastAsian),
        ('\u30FC', '\u30FE', Script.EastAsian), ('\u3400', '\u4DBF', Script.EastAsian), ('\u4E00', '\u9FFF', Script.EastAsian),
        ('\uAC00', '\uD7A3', Script.EastAsian),
    ];

    /// <summary>Writes <c>xn--…</c> for a label with non-ASCII characters.</summary>
    public static NameError TryEncode(ReadOnlySpan<char> label, Span<char> output, out int written)
    {
        written = 0;
        Span<int> codePoints = stackalloc int[DomainName.MaxLabelLength];
        if (label.Length > codePoints.Length)
            return NameError.LabelTooLong;
        var script = Script.Any;
        for (var i = 0; i < label.Length; i++)
        {
            var c = char.ToLowerInvariant(label[i]);
            if (!TryFind(c, out var found) || !AreCompatible(ref script, found))
                return NameError.InvalidIdna;
            codePoints[i] = c;
        }

        // RFC 5891 §4.2.3.1: a U-label has no hyphens in both the third and the fourth place.
        if (label is [_, _, '-', '-', ..] || label[0] == '-' || label[^1] == '-')
            return NameError.InvalidIdna;
        "xn--".CopyTo(output);
        if (!Punycode.TryEncode(codePoints[..label.Length], output[4..], out written))
            return NameError.LabelTooLong;
        written += 4;
        return NameError.None;
    }

    /// <summary>Whether <c>xn--…</c> (lower case) stands for at least one non-ASCII character and is the one way to write it.</summary>
    public static bool IsALabel(ReadOnlySpan<char> label)
    {
        Span<int> codePoints = stackalloc int[DomainName.MaxLabelLength];
        Span<char> again = stackalloc char[DomainName.MaxLabelLength];
        if (!Punycode.TryDecode(label[4..], codePoints, out var count))
            return false;
        codePoints = codePoints[..count];
        return codePoints.IndexOfAnyExceptInRange(0, 0x7F) >= 0
            && codePoints.IndexOfAnyInRange(0x80, 0xA0) < 0
            && Punycode.TryEncode(codePoints, again, out var written)
            && label[4..].SequenceEqual(again[..written]);
    }

    private static bool TryFind(char c, out Script script)
    {
        foreach (var range in Ranges)
        {
            if (c < range.First || c > range.Last)
                continue;
            script = range.Script;
            // Within Latin and Cyrillic ranges capitals alternate with small letters; a capital here has no small form to be had.
            return char.ToLowerInvariant(c) == c;
        }

        script = default;
        return false;
    }

    // A label in two alphabets is made to be misread; Latin letters beside Han, kana and Hangul are everyday.
    private static bool AreCompatible(ref Script seen, Script next)
    {
        if (next == Script.Any || next == seen)
            return true;
        if (seen == Script.Any || (seen, next) is (Script.Latin, Script.EastAsian))
        {
            seen = next;
            return true;
        }

        return (seen, next) is (Script.EastAsian, Script.Latin);
    }
}
