namespace Gatehouse.Policy.Names;

/// <summary>
/// A glob over a <c>/</c>-separated path: <c>*</c> is any run of characters within one segment, <c>**</c> any number of segments,
/// everything else itself. Matching takes time linear in path × pattern: no backtracking that an attacker could blow up.
/// </summary>
public sealed class PathPattern
{
    /// <summary>Characters in a pattern.</summary>
    public const int MaxLength = 1024;

    private enum Kind : byte
    {
        Character,
        Segment,   // '*': characters other than '/'
        Anything,  // '**': any characters
    }

    private readonly (Kind Kind, char Character)[] _tokens;

    private PathPattern(string text, (Kind, char)[] tokens)
    {
        Text = text;
        _tokens = tokens;
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary><c>**</c> must be a whole segment: <c>/a/**</c>, <c>**/x</c>.</summary>
    public static bool TryParse(string text, out PathPattern pattern, out string error)
    {
        pattern = null!;
        error = "";
        if (text.Length is 0 or > MaxLength)
        {
            error = $"a pattern has 1 to {MaxLength} characters";
            return false;
        }

        var tokens = new List<(Kind, char)>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]))
            {
                error = "a pattern has no control characters";
                return false;
            }

            if (text[i] != '*')
            {
                tokens.Add((Kind.Character, text[i]));
                continue;
            }

            if (i + 1 == text.Length || text[i + 1] != '*')
            {
                tokens.Add((Kind.Segment, '*'));
                continue;
            }

            var startsSegment = i == 0 || text[i - 1] == '/';
            var endsSegment = i + 2 == text.Length || text[i + 2] == '/';
            if (!startsSegment || !endsSegment)
            {
                error = "** stands for whole segments: write it between slashes";
                return false;
            }

            tokens.Add((Kind.Anything, '*'));
            i++;
            // '**/' also stands for no segment at all: the slash is part of it.
            if (i + 1 < text.Length)
                i++;
        }

        pattern = new(text, [.. tokens]);
        return true;
    }

    public bool IsMatch(ReadOnlySpan<char> path)
    {
        // The set of pattern positions that some prefix of the path reaches, moved on by one character at a time.
        var length = _tokens.Length + 1;
        Span<bool> current = length <= 256 ? stackalloc bool[length] : new bool[length];
        Span<bool> next = length <= 256 ? stackalloc bool[length] : new bool[length];
        current.Clear();
        current[0] = true;
        Skip(current, atSegmentStart: true);
        for (var i = 0; i < path.Length; i++)
        {
            var character = path[i];
            var any = false;
            next.Clear();
            for (var at = 0; at < _tokens.Length; at++)
            {
                if (!current[at])
                    continue;
                var (kind, wanted) = _tokens[at];
                switch (kind)
                {
                    case Kind.Character when wanted == character:
                        next[at + 1] = any = true;
                        break;
                    case Kind.Segment when character != '/':
                    case Kind.Anything:
                        next[at] = any = true;
                        break;
                }
            }

            if (!any)
                return false;
            Skip(next, atSegmentStart: character == '/');
            var swap = current;
            current = next;
            next = swap;
        }

        // A last '**' takes whatever came; it may have begun at any place.
        for (var at = _tokens.Length - 1; at >= 0 && _tokens[at].Kind != Kind.Character; at--)
        {
            if (current[at])
                return true;
        }

        return current[_tokens.Length];
    }

    public override string ToString() => Text;

    // '*' may be empty anywhere, '**' only where a segment begins.
    private void Skip(Span<bool> positions, bool atSegmentStart)
    {
        for (var at = 0; at < _tokens.Length; at++)
        {
            if (positions[at] && (_tokens[at].Kind == Kind.Segment || (_tokens[at].Kind == Kind.Anything && atSegmentStart)))
                positions[at + 1] = true;
        }
    }
}
