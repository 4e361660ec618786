namespace Gatehouse.SecretsGateway.Masking;

/// <summary>
/// One printable ASCII character as formats write it when they do not write it as it is: in URLs (RFC 3986 §2.1), JSON and the languages that look like it
/// (RFC 8259 §7), HTML and XML, quoted-printable (RFC 2045 §6.7); the first three also one within the other of their kind.
/// </summary>
internal static class Escape
{
    /// <summary>The text ends before it is decided.</summary>
    public const int Incomplete = -1;

    private const int MostNested = 8, MostDigits = 8;

    private static readonly (byte[] Name, byte Character)[] s_entities =
        [("amp;"u8.ToArray(), (byte)'&'), ("lt;"u8.ToArray(), (byte)'<'), ("gt;"u8.ToArray(), (byte)'>'), ("quot;"u8.ToArray(), (byte)'"'), ("apos;"u8.ToArray(), (byte)'\'')];

    /// <param name="text">Not empty.</param>
    /// <param name="wanted">The character.</param>
    /// <returns>Bytes of the escape for it at the beginning of the text, 0 when there is none, or <see cref="Incomplete"/>.</returns>
    public static int Read(ReadOnlySpan<byte> text, byte wanted) => text[0] switch
    {
        (byte)'%' => ReadPercent(text, wanted),
        (byte)'\\' => ReadBackslash(text, wanted),
        (byte)'&' => ReadEntity(text, wanted),
        (byte)'=' => ReadHex(text, 1, 2, wanted),
        (byte)'+' when wanted == ' ' => 1,
        _ => 0,
    };

    /// <summary>Whether escapes begin with it.</summary>
    public static bool IsLead(byte first) => first is (byte)'%' or (byte)'\\' or (byte)'&' or (byte)'=';

    /// <summary>What an escape stands for when that can be told at once; else <see cref="Incomplete"/>.</summary>
    /// <param name="text">Begins with a lead.</param>
    public static int Value(ReadOnlySpan<byte> text)
    {
        var (at, digits) = (1, 2);
        switch (text[0])
        {
            case (byte)'%':
                while (at < MostNested && text[at..].StartsWith("25"u8))
                    at += 2;
                break;
            case (byte)'\\':
                while (at < text.Length && text[at] == '\\' && at < MostNested)
                    at++;
                if (at == text.Length)
                    return Incomplete;
                if (text[at] is not ((byte)'u' or (byte)'x'))
                    return text[at];
                digits = text[at++] == 'u' ? 4 : 2;
                break;
            case (byte)'=':
                break;
            default:
                return Incomplete;
        }

        if (at + digits > text.Length)
            return Incomplete;
        var value = 0;
        foreach (var digit in text.Slice(at, digits))
            value = (value << 4) | HexDigit(digit);
        return value;
    }

    /// <summary>Adds each two bytes that an escape for a character can begin with.</summary>
    public static void AddStarts(byte wanted, Starts starts, int number)
    {
        starts.Add(number, (byte)'=', High(wanted));
        starts.Add(number, (byte)'%', High(wanted));
        starts.Add(number, (byte)'%', (byte)'2'); // %252F
        starts.Add(number, (byte)'\\', wanted);
        foreach (var next in "ux\\"u8)
            starts.Add(number, (byte)'\\', next);
        foreach (var next in "#algq"u8)
            starts.Add(number, (byte)'&', next);
    }

    private static byte High(byte character) => (byte)('0' + (character >> 4));

    private static int ReadPercent(ReadOnlySpan<byte> text, byte wanted)
    {
        var at = 1;
        if (wanted != '%')
        {
            while (at < MostNested && text[at..].StartsWith("25"u8))
                at += 2;
            if (at == text.Length - 1 && text[at] == '2')
                return Incomplete;
        }

        return ReadHex(text, at, 2, wanted);
    }

    private static int ReadBackslash(ReadOnlySpan<byte> text, byte wanted)
    {
        if (wanted == '\\' && text.Length > 1 && text[1] == '\\')
            return 2;
        var at = 1;
        while (at < text.Length && text[at] == '\\' && at < MostNested)
            at++;
        if (at == text.Length)
            return Incomplete;
        return text[at] switch
        {
            (byte)'u' => ReadHex(text, at + 1, 4, wanted),
            (byte)'x' => ReadHex(text, at + 1, 2, wanted),
            var next when next == wanted && !char.IsAsciiLetterOrDigit((char)next) => at + 1,
            _ => 0,
        };
    }

    private static int ReadEntity(ReadOnlySpan<byte> text, byte wanted)
    {
        var at = 1;
        if (wanted != '&')
        {
            for (var nested = 0; nested < MostNested && text[at..].StartsWith("amp;"u8); nested++)
                at += 4;
        }

        var name = text[at..];
        if (name.Length > 0 && name[0] == '#')
            return ReadNumber(text, at + 1, wanted);
        var incomplete = "amp;"u8.StartsWith(name);
        foreach (var (each, character) in s_entities)
        {
            if (character != wanted)
                continue;
            if (name.StartsWith(each))
                return at + each.Length;
            incomplete |= each.AsSpan().StartsWith(name);
        }

        return incomplete ? Incomplete : 0;
    }

    // #47; or #x2f; with zeros before it
    private static int ReadNumber(ReadOnlySpan<byte> text, int at, byte wanted)
    {
        var isHex = at < text.Length && (text[at] | 0x20) == 'x';
        if (isHex)
            at++;
        var value = 0;
        for (var digits = 0; digits <= MostDigits; digits++, at++)
        {
            if (at == text.Length)
                return Incomplete;
            if (text[at] == ';')
                return value == wanted ? at + 1 : 0;
            var digit = HexDigit(text[at]);
            if (digit >= (isHex ? 16 : 10))
                return 0;
            value = Math.Min((value * (isHex ? 16 : 10)) + digit, 0xffff);
        }

        return 0;
    }

    private static int ReadHex(ReadOnlySpan<byte> text, int at, int digits, byte wanted)
    {
        for (var i = 0; i < digits; i++)
        {
            if (at + i >= text.Length)
                return Incomplete;
            if (HexDigit(text[at + i]) != ((wanted >> (4 * (digits - 1 - i))) & 15))
                return 0;
        }

        return at + digits;
    }

    private static int HexDigit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => 16,
    };
}
