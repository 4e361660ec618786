namespace Gatehouse.Policy.Names;

/// <summary>
/// The one form in which a request path is matched against rules. What two parsers could read differently is refused:
/// encoded slashes or backslashes, dot segments that climb, NUL and control characters, invalid escapes, doubled slashes.
/// </summary>
public static class HttpPath
{
    /// <summary>The longest path that is looked at, in characters.</summary>
    public const int MaxLength = 8 * 1024;

    /// <param name="path">The path as sent, without query: starts with <c>/</c>.</param>
    /// <param name="normalized">Unreserved escapes decoded once, dot segments resolved (RFC 3986 §6.2.2).</param>
    /// <param name="error">What is wrong with it, when false.</param>
    public static bool TryNormalize(string path, out string normalized, out string error) => throw new NotImplementedException();
}
