namespace Gatehouse.SecretsGateway.Masking;

internal enum Writing
{
    /// <summary>As it is.</summary>
    Plain,

    /// <summary>Each character as it is or in any <see cref="Escape"/>.</summary>
    Escaped,

    /// <summary>Both alphabets of RFC 4648 §4 and §5, with line breaks, escaped or not.</summary>
    Base64,

    /// <summary>Two digits a character, in either case.</summary>
    Hex,
}

internal enum SpellingMatch
{
    None,

    /// <summary>All that there is matches, and it is not the whole.</summary>
    Begun,
    Whole,
}

/// <summary>A credential as one encoding writes it.</summary>
/// <param name="all">What is wiped when it is no longer needed.</param>
/// <param name="from">Where in it the characters begin.</param>
/// <param name="length">At least two.</param>
/// <param name="writing">How they may stand in a text.</param>
internal sealed class Spelling(byte[] all, int from, int length, Writing writing)
{
    private static readonly byte[] s_characters = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    // UTF-16 and UTF-32 have NUL between; Base64 has CR and LF, of which JSON makes four bytes.
    private const int MostFiller = 8;

    /// <summary>What is put in place of each byte: what the format may have there, so that what holds it can still be parsed.</summary>
    public byte Mask => writing switch
    {
        Writing.Base64 => (byte)'x',
        Writing.Hex => (byte)'0',
        _ => (byte)'*',
    };

    /// <summary>Whether its first character also begins escapes.</summary>
    public bool BeginsLikeEscape => Escape.IsLead(Characters[0]);

    private ReadOnlySpan<byte> Characters => all.AsSpan(from, length);

    private bool IsEscaped => writing is Writing.Escaped or Writing.Base64;

    /// <summary>Adds each two bytes that it can begin with.</summary>
    public void AddStarts(Starts starts, int number)
    {
        foreach (var first in Alternatives(Characters[0]))
        {
            foreach (var next in Alternatives(Characters[1]))
                starts.Add(number, first, next);
            starts.Add(number, first, 0);
            if (!IsEscaped)
                continue;
            Escape.AddStarts(first, starts, number);
            foreach (var next in "\r\n%\\&=+"u8)
                starts.Add(number, first, next);
        }
    }

    /// <param name="text">From where it may begin.</param>
    /// <param name="isEnd">Nothing follows the text.</param>
    /// <param name="bytes">How many, when it is whole.</param>
    /// <param name="matched">Characters of it that were found.</param>
    public SpellingMatch Match(ReadOnlySpan<byte> text, bool isEnd, out int bytes, out int matched)
    {
        var characters = Characters;
        var at = 0;
        for (matched = 0; matched < characters.Length; matched++)
        {
            if (matched > 0)
                at += Filler(text[at..]);
            var read = at == text.Length ? Escape.Incomplete : Read(text[at..], characters[matched], isEnd);
            if (read <= 0)
            {
                bytes = 0;
                return read == 0 || isEnd ? SpellingMatch.None : SpellingMatch.Begun;
            }

            at += read;
        }

        bytes = at;
        return SpellingMatch.Whole;
    }

    private int Read(ReadOnlySpan<byte> text, byte wanted, bool isEnd)
    {
        var incomplete = false;
        foreach (var each in Alternatives(wanted))
        {
            // An escape first: in the one for a percent sign, its first character is no percent sign.
            var read = IsEscaped ? Escape.Read(text, each) : 0;
            if (read > 0)
                return read;
            if (text[0] == each && (read == 0 || isEnd))
                return 1;
            incomplete |= read == Escape.Incomplete;
        }

        return incomplete ? Escape.Incomplete : 0;
    }

    private ReadOnlySpan<byte> Alternatives(byte character) => (writing, character) switch
    {
        (Writing.Base64, (byte)'+' or (byte)'-') => "+-"u8,
        (Writing.Base64, (byte)'/' or (byte)'_') => "/_"u8,
        (Writing.Hex, >= (byte)'a' and <= (byte)'f') => "aAbBcCdDeEfF"u8.Slice(2 * (character - 'a'), 2),
        _ => s_characters.AsSpan(character, 1),
    };

    private int Filler(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (at < text.Length && at < MostFiller)
        {
            if (text[at] == 0 || (writing == Writing.Base64 && text[at] is (byte)'\r' or (byte)'\n'))
                at++;
            else if (writing == Writing.Base64 && at + 1 < text.Length && text[at] == '\\' && text[at + 1] is (byte)'r' or (byte)'n')
                at += 2;
            else
                break;
        }

        return at;
    }
}
