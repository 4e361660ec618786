namespace Gatehouse.Policy.Names;

/// <summary>
/// Punycode (RFC 3492) for one label, without the <c>xn--</c>. Ours rather than the framework's: that one differs between
/// globalization modes, and reports what an attacker sends by exceptions.
/// </summary>
internal static class Punycode
{
    private const int Base = 36;
    private const int TMin = 1;
    private const int TMax = 26;
    private const int Skew = 38;
    private const int Damp = 700;
    private const int InitialBias = 72;
    private const int InitialN = 0x80;

    /// <summary>Writes the encoding of <paramref name="codePoints"/>; false when it does not fit.</summary>
    public static bool TryEncode(ReadOnlySpan<int> codePoints, Span<char> output, out int written)
    {
        written = 0;
        foreach (var c in codePoints)
        {
            if (c >= InitialN)
                continue;
            if (written == output.Length)
                return false;
            output[written++] = (char)c;
        }

        var basic = written;
        var handled = basic;
        if (basic > 0 && !TryAppend(output, ref written, '-'))
            return false;
        int n = InitialN, delta = 0, bias = InitialBias;
        while (handled < codePoints.Length)
        {
            var next = int.MaxValue;
            foreach (var c in codePoints)
                if (c >= n && c < next)
                    next = c;
            // Labels are at most 63 code points below 0x110000: no overflow.
            delta += (next - n) * (handled + 1);
            n = next;
            foreach (var c in codePoints)
            {
                if (c < n)
                    delta++;
                if (c != n)
                    continue;
                if (!TryAppendNumber(output, ref written, delta, bias))
                    return false;
                bias = Adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled++;
            }

            delta++;
            n++;
        }

        return true;
    }

    /// <summary>
    /// Writes the code points that <paramref name="text"/> (lower case) stands for; false when it stands for none or too many.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<int> codePoints, out int written)
    {
        written = 0;
        var basic = Math.Max(text.LastIndexOf('-'), 0);
        if (basic > codePoints.Length)
            return false;
        foreach (var c in text[..basic])
            codePoints[written++] = c;
        int n = InitialN, i = 0, bias = InitialBias;
        var position = basic > 0 ? basic + 1 : 0;
        while (position < text.Length)
        {
            var before = i;
            long value = i, weight = 1;
            for (var k = Base; ; k += Base)
            {
                if (position == text.Length || Digit(text[position++]) is not (>= 0 and var digit))
                    return false;
                value += digit * weight;
                var threshold = Threshold(k, bias);
                if (value > int.MaxValue)
                    return false;
                if (digit < threshold)
                    break;
                weight *= Base - threshold;
                if (weight > int.MaxValue)
                    return false;
            }

            if (written == codePoints.Length)
                return false;
            bias = Adapt((int)value - before, written + 1, before == 0);
            n += (int)(value / (written + 1));
            i = (int)(value % (written + 1));
            if (n is < 0 or > 0x10FFFF or (>= 0xD800 and <= 0xDFFF))
                return false;
            codePoints[i..written].CopyTo(codePoints[(i + 1)..]);
            codePoints[i++] = n;
            written++;
        }

        return true;
    }

    private static bool TryAppendNumber(Span<char> output, ref int written, int value, int bias)
    {
        for (var k = Base; ; k += Base)
        {
            var threshold = Threshold(k, bias);
            if (value < threshold)
                return TryAppend(output, ref written, Letter(value));
            if (!TryAppend(output, ref written, Letter(threshold + (value - threshold) % (Base - threshold))))
                return false;
            value = (value - threshold) / (Base - threshold);
        }
    }

    private static bool TryAppend(Span<char> output, ref int written, char c)
    {
        if (written == output.Length)
            return false;
        output[written++] = c;
        return true;
    }

    private static int Threshold(int k, int bias) => Math.Clamp(k - bias, TMin, TMax);

    private static int Adapt(int delta, int points, bool first)
    {
        delta = first ? delta / Damp : delta / 2;
        delta += delta / points;
        var k = 0;
        for (; delta > (Base - TMin) * TMax / 2; k += Base)
            delta /= Base - TMin;
        return k + (Base - TMin + 1) * delta / (delta + Skew);
    }

    private static char Letter(int digit) => (char)(digit < 26 ? 'a' + digit : '0' + digit - 26);

    private static int Digit(char c) => c switch
    {
        >= 'a' and <= 'z' => c - 'a',
        >= '0' and <= '9' => c - '0' + 26,
        _ => -1,
    };
}
