namespace Gatehouse.Policy;

/// <summary>Host paths as policies write them.</summary>
public static class HostPaths
{
    /// <summary>
    /// Absolute, normalised path: <c>~</c> and <c>~/…</c> are below <paramref name="home"/>, relative ones below <paramref
    /// name="baseDirectory"/>.
    /// </summary>
    /// <remarks>By text alone: no link is followed and nothing has to exist. No trailing slash, but for the root itself.</remarks>
    public static string Expand(string text, string baseDirectory, string home)
    {
        var path = text == "~"
            ? home
            : text.StartsWith("~/", StringComparison.Ordinal)
            ? Path.Join(home, text.AsSpan(2))
            : text;
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, baseDirectory));
    }
}
