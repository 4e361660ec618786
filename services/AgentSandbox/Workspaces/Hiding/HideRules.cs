using System.Collections.Immutable;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.Policy.Names;

namespace Gatehouse.AgentSandbox.Workspaces.Hiding;

/// <summary>
/// The <c>hide:</c> patterns, made for walking: a folder's state says how far each pattern has come, so that each name is compared once and with the
/// few segments that can follow. Says the same as <see cref="PathPattern.IsMatch"/> on the whole path, and that what is below a hidden folder is hidden.
/// </summary>
internal sealed class HideRules
{
    private const string AnySegments = "**";

    // All patterns' segments one after the other; null ends each.
    private readonly string?[] _segments;

    public HideRules(ImmutableArray<PathPattern> patterns)
    {
        Patterns = patterns;
        var segments = new List<string?>();
        var starts = new List<int>();
        foreach (var pattern in patterns)
        {
            starts.Add(segments.Count);
            // "secrets/" and "./secrets" mean the folder: a way of writing it must not leave it open.
            segments.AddRange(pattern.Text.Split('/').Where(segment => segment is not ("" or ".")));
            segments.Add(null);
        }

        _segments = [.. segments];
        var reached = new bool[_segments.Length];
        foreach (var start in starts)
            Reach(reached, start);
        Start = Positions(reached);
    }

    public static HideRules None { get; } = new([]);

    public ImmutableArray<PathPattern> Patterns { get; }

    public bool IsEmpty => Patterns.IsEmpty;

    /// <summary>State of the root.</summary>
    public int[] Start { get; }

    /// <summary>From patterns as a session's record keeps them.</summary>
    /// <exception cref="WorkspaceException">One is none: the record was changed.</exception>
    public static HideRules Parse(IEnumerable<string> patterns) => new([.. patterns.Select(text =>
        PathPattern.TryParse(text, out var pattern, out var error) ? pattern : throw new WorkspaceException($"the session's record holds the hide pattern '{text}', but {error}"))]);

    /// <summary>Goes from a folder to a name in it.</summary>
    /// <returns>State of that name; null when it is hidden. An empty one means that nothing below can be.</returns>
    public int[]? Step(int[] state, FileName name)
    {
        if (state.Length == 0)
            return state;
        // A byte that is no text matches what a wildcard matches, and nothing else.
        Span<char> characters = stackalloc char[FileName.MaxLength];
        ReadOnlySpan<char> text = characters[..Encoding.UTF8.GetChars(name.Bytes, characters)];
        var reached = _segments.Length <= 1024 ? stackalloc bool[_segments.Length] : new bool[_segments.Length];
        reached.Clear();
        foreach (var at in state)
        {
            var segment = _segments[at];
            if (segment == AnySegments)
                Reach(reached, at);
            else if (segment is not null && Matches(text, segment))
                Reach(reached, at + 1);
        }

        var count = 0;
        var isSame = true;
        for (var at = 0; at < reached.Length; at++)
        {
            if (!reached[at])
                continue;
            if (_segments[at] is null)
                return null;
            isSame &= count < state.Length && state[count] == at;
            count++;
        }

        return isSame && count == state.Length ? state : Positions(reached);
    }

    public bool IsHidden(RelativePath path)
    {
        var state = Start;
        foreach (var name in path.Components())
        {
            if (Step(state, name) is not { } next)
                return true;
            state = next;
        }

        return false;
    }

    // "**" may stand for no segment.
    private void Reach(Span<bool> reached, int at)
    {
        reached[at] = true;
        while (_segments[at] == AnySegments)
            reached[++at] = true;
    }

    private static int[] Positions(ReadOnlySpan<bool> reached)
    {
        var positions = new List<int>();
        for (var at = 0; at < reached.Length; at++)
        {
            if (reached[at])
                positions.Add(at);
        }

        return [.. positions];
    }

    // Goes back to the last '*' only, so at most once for each pair of characters.
    private static bool Matches(ReadOnlySpan<char> text, string pattern)
    {
        int at = 0, next = 0, retryAt = -1, retryNext = -1;
        while (at < text.Length)
        {
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

        return pattern.AsSpan(next).TrimStart('*').IsEmpty;
    }
}
