namespace Gatehouse.Policy.Names;

/// <summary>
/// A glob over a <c>/</c>-separated path: <c>*</c> is any run of characters within one segment, <c>**</c> any number of segments,
/// everything else itself. Matching takes time linear in path × pattern: no backtracking that an attacker could blow up.
/// </summary>
public sealed class PathPattern
{
    private PathPattern(string text) => Text = text;

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    public static bool TryParse(string text, out PathPattern pattern, out string error) => throw new NotImplementedException();

    public bool IsMatch(ReadOnlySpan<char> path) => throw new NotImplementedException();

    public override string ToString() => Text;
}
