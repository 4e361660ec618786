using System.Buffers;
using System.Globalization;

namespace Gatehouse.Policy.Names;

/// <summary>
/// A host name in its one canonical form: lower case, A-labels (RFC 5890), no trailing dot, at most 253 octets
/// (RFC 1035 §3.1), labels of 1–63 octets. Never an IP address in any spelling.
/// </summary>
public readonly record struct DomainName
{
    /// <summary>The longest name in presentation form without its trailing dot, in octets.</summary>
    public const int MaxLength = 253;

    /// <summary>The longest label, in octets (RFC 1035 §2.3.4).</summary>
    public const int MaxLabelLength = 63;

    /// <summary>More than any name in Unicode needs, so that conversion is never given a megabyte.</summary>
    private const int MaxInput = 4 * MaxLength;

    private static readonly SearchValues<char> s_canonical = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly IdnMapping s_idna = new() { UseStd3AsciiRules = false, AllowUnassigned = false };

    private readonly string? _value;

    private DomainName(string value) => _value = value;

    /// <summary>The canonical text; empty only for <c>default</c>.</summary>
    public string Value => _value ?? "";

    /// <summary>Parses a host name as typed by a person or a program. Unicode is mapped by IDNA; a trailing dot is dropped.</summary>
    /// <returns>False, with the reason in <paramref name="error"/>, for anything that is not a host name.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out DomainName name, out NameError error)
    {
        name = default;
        error = Check(text, out var canonical);
        if (error != NameError.None)
            return false;
        name = new(canonical);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out DomainName, out NameError)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out DomainName name) => TryParse(text, out name, out _);

    public override string ToString() => Value;

    private static NameError Check(ReadOnlySpan<char> text, out string canonical)
    {
        canonical = "";
        if (text.IsEmpty)
            return NameError.Empty;
        if (text.Length > MaxInput)
            return NameError.TooLong;
        if (text[0] == '[' || text.Contains(':') || IpLiteral.TryParse(text, out _))
            return NameError.IsAddress;

        string lower;
        if (System.Text.Ascii.IsValid(text))
        {
            lower = text.ToString().ToLowerInvariant();
        }
        else if (!TryMap(text.ToString(), out lower))
        {
            return NameError.InvalidIdna;
        }

        if (lower.EndsWith('.'))
            lower = lower[..^1];
        if (lower.Length == 0)
            return NameError.EmptyLabel;
        if (lower.AsSpan().ContainsAnyExcept(s_canonical))
            return NameError.InvalidCharacter;
        if (CheckLabels(lower) is var error and not NameError.None)
            return error;
        if (lower.Length > MaxLength)
            return NameError.TooLong;
        // A last label that is a number makes URL parsers read the whole as an IPv4 address (WHATWG URL, "ends in a number").
        if (IpLiteral.EndsInNumber(lower))
            return NameError.IsAddress;
        canonical = lower;
        return NameError.None;
    }

    private static NameError CheckLabels(ReadOnlySpan<char> name)
    {
        foreach (var range in name.Split('.'))
        {
            var label = name[range];
            if (label.IsEmpty)
                return NameError.EmptyLabel;
            if (label.Length > MaxLabelLength)
                return NameError.LabelTooLong;
            if (label[0] == '-' || label[^1] == '-')
                return NameError.InvalidCharacter;
            // An A-label must be one that decodes: two programs may otherwise show different names for it.
            if (label.StartsWith("xn--") && !IsALabel(label.ToString()))
                return NameError.InvalidIdna;
        }

        return NameError.None;
    }

    private static bool TryMap(string text, out string ascii)
    {
        ascii = "";
        try
        {
            // Full-width letters and dots, ligatures and the like become what they stand for, as browsers do (UTS 46).
            ascii = s_idna.GetAscii(text.Normalize(System.Text.NormalizationForm.FormKC).ToLowerInvariant().Replace('\u3002', '.')).ToLowerInvariant();
            return System.Text.Ascii.IsValid(ascii) && !IpLiteral.TryParse(ascii, out _);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool IsALabel(string label)
    {
        try
        {
            var unicode = s_idna.GetUnicode(label);
            return !System.Text.Ascii.IsValid(unicode) && s_idna.GetAscii(unicode) == label;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
