using System.Collections.Immutable;

namespace Gatehouse.Policy.Names;

/// <summary>
/// A glob over a <c>/</c>-separated path: <c>*</c> is any run of characters within one segment, <c>**</c> any number of segments,
/// everything else itself. Matching takes time linear in path × pattern: no backtracking that an attacker could blow up.
/// </summary>
/// <remarks>
/// <c>**</c> stands alone in its segment and may be no segment at all: <c>/v1/**</c> matches <c>/v1</c>, <c>/v1/</c> and all below;
/// <c>**/.env</c> matches <c>.env</c> and <c>a/b/.env</c>. A segment that is only <c>*</c> is never empty.
/// </remarks>
public sealed class PathPattern
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int MaxLength = 1024;

    private const string AnySegments = "**";

    private readonly ImmutableArray<string> _segments;

    private PathPattern(string text, ImmutableArray<string> segments) => (Text, _segments) = (text, segments);

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <param name="text">The pattern.</param>
    /// <param name="pattern">Set when true.</param>
    /// <param name="error">What is wrong with it when false; else empty.</param>
    public static bool TryParse(string text, out PathPattern pattern, out string error)
    {
        pattern = null!;
        error = text.Length switch
        {
            0 => "it is empty",
            > MaxLength => $"it is longer than {MaxLength} characters",
            _ => "",
        };
        if (error.Length == 0 && text.AsSpan().ContainsAnyInRange('\0', '\x1F'))
            error = "it holds a control character";
        if (error.Length > 0)
            return false;
        var segments = text.Split('/').ToImmutableArray();
        foreach (var segment in segments)
            if (segment != AnySegments && segment.Contains(AnySegments, StringComparison.Ordinal))
            {
                error = "'**' must be a segment of its own, as in a/**/b";
                return false;
            }

        pattern = new PathPattern(text, segments);
        return true;
    }

    /// <summary>Whether the whole path matches; case counts.</summary>
    public bool IsMatch(ReadOnlySpan<char> path)
    {
        var steps = 0L;
        return IsMatch(path, ref steps);
    }

    public override string ToString() => Text;

    /// <summary>
    /// Goes back to the last <c>**</c> only: an earlier one could take up nothing that the later one can not. So each pair of segments is
    /// compared at most once, and each pair of characters too.
    /// </summary>
    internal bool IsMatch(ReadOnlySpan<char> path, ref long steps)
    {
        // "at" is where a segment begins; one past the end means that none is left.
        int at = 0, next = 0;
        int retryAt = -1, retryNext = -1;
        while (at <= path.Length)
        {
            if (next < _segments.Length && _segments[next] == AnySegments)
            {
                retryNext = ++next;
                retryAt = at;
                continue;
            }

            steps++;
            var end = SegmentEnd(path, at);
            if (next < _segments.Length && SegmentMatches(path[at..end], _segments[next], ref steps))
            {
                next++;
                at = end + 1;
                continue;
            }

            if (retryNext < 0)
                return false;
            next = retryNext;
            at = retryAt = SegmentEnd(path, retryAt) + 1;
        }

        while (next < _segments.Length && _segments[next] == AnySegments)
            next++;
        return next == _segments.Length;
    }

    private static int SegmentEnd(ReadOnlySpan<char> path, int start)
    {
        var length = path[start..].IndexOf('/');
        return length < 0 ? path.Length : start + length;
    }

    private static bool SegmentMatches(ReadOnlySpan<char> text, string pattern, ref long steps)
    {
        if (pattern == "*")
            return !text.IsEmpty;
        int at = 0, next = 0, retryAt = -1, retryNext = -1;
        while (at < text.Length)
        {
            steps++;
            if (next < pattern.Length && pattern[next] == '*')
            {
                retryNext = ++next;
                retryAt = at;
            }
            else if (next < pattern.Length && pattern[next] == text[at])
            {
                next++;
                at++;
            }
            else if (retryNext >= 0)
            {
                next = retryNext;
                at = ++retryAt;
            }
            else
            {
                return false;
            }
        }

        while (next < pattern.Length && pattern[next] == '*')
            next++;
        return next == pattern.Length;
    }
}
