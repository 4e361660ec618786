namespace Gatehouse.Policy;

/// <summary>Host paths as policies write them.</summary>
public static class HostPaths
{
    /// <summary>Absolute, normalised path: <c>~</c> and <c>~/…</c> are below <paramref name="home"/>, relative ones below <paramref name="baseDirectory"/>.</summary>
    public static string Expand(string text, string baseDirectory, string home)
    {
        var path = text == "~" ? home : text.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, text[2..]) : Path.Combine(baseDirectory, text);
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
    }
}
