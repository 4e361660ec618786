namespace Gatehouse.Policy.Names;

/// <summary>
/// A host name in its one canonical form: lower case, A-labels (RFC 5890), no trailing dot, at most 253 octets
/// (RFC 1035 §3.1), labels of 1–63 octets. Never an IP address in any spelling.
/// </summary>
/// <remarks>
/// Labels hold letters, digits, hyphens within, and underscores (service names have them). Unicode labels are turned to A-labels
/// only where that needs no normalisation table: see <see cref="IdnaLabel"/>. A label that begins with <c>xn--</c> must decode and
/// encode to itself.
/// </remarks>
public readonly record struct DomainName
{
    /// <summary>The longest name in presentation form without its trailing dot, in octets.</summary>
    public const int MaxLength = 253;

    /// <summary>The longest label, in octets.</summary>
    public const int MaxLabelLength = 63;

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
        name = new DomainName(canonical!);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out DomainName, out NameError)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out DomainName name) => TryParse(text, out name, out _);

    public override string ToString() => Value;

    private static NameError Check(ReadOnlySpan<char> text, out string? canonical)
    {
        canonical = null;
        if (text.IsEmpty)
            return NameError.Empty;
        // An A-label is never shorter than what it encodes, so nothing longer than this (and its dot) can fit.
        if (text.Length > MaxLength + 1)
            return NameError.TooLong;
        if (IpLiteral.TryParse(text, out _))
            return NameError.IsAddress;
        if (text[^1] == '.')
            text = text[..^1];
        if (text.IsEmpty)
            return NameError.Empty;

        Span<char> buffer = stackalloc char[MaxLength];
        var length = 0;
        while (true)
        {
            var dot = text.IndexOf('.');
            var label = dot < 0 ? text : text[..dot];
            if (length > 0)
            {
                if (length == MaxLength)
                    return NameError.TooLong;
                buffer[length++] = '.';
            }

            var error = AppendLabel(label, buffer, ref length);
            if (error != NameError.None)
                return error;
            if (dot < 0)
                break;
            text = text[(dot + 1)..];
        }

        // Only after the labels are known to be sound: "1.2.3.4.5" and "a.0x" are no names to anyone who follows WHATWG.
        if (IpLiteral.EndsInNumber(buffer[..length]))
            return NameError.InvalidCharacter;
        canonical = new string(buffer[..length]);
        return NameError.None;
    }

    private static NameError AppendLabel(ReadOnlySpan<char> label, Span<char> buffer, ref int length)
    {
        if (label.IsEmpty)
            return NameError.EmptyLabel;
        Span<char> ascii = stackalloc char[MaxLabelLength];
        int written;
        if (System.Text.Ascii.IsValid(label))
        {
            if (label.Length > MaxLabelLength)
                return NameError.LabelTooLong;
            written = label.ToLowerInvariant(ascii);
        }
        else
        {
            var error = IdnaLabel.TryEncode(label, ascii, out written);
            if (error != NameError.None)
                return error;
        }

        ascii = ascii[..written];
        if (!IsHostLabel(ascii))
            return NameError.InvalidCharacter;
        if (ascii.StartsWith("xn--", StringComparison.Ordinal) && !IdnaLabel.IsALabel(ascii))
            return NameError.InvalidIdna;
        if (!ascii.TryCopyTo(buffer[length..]))
            return NameError.TooLong;
        length += written;
        return NameError.None;
    }

    private static bool IsHostLabel(ReadOnlySpan<char> label)
    {
        if (label[0] == '-' || label[^1] == '-')
            return false;
        foreach (var c in label)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('-' or '_'))
                return false;
        return true;
    }
}
