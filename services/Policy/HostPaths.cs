namespace Gatehouse.Policy;

/// <summary>Host paths as policies write them.</summary>
public static class HostPaths
{
    /// <summary>Absolute, normalised path: <c>~</c> and <c>~/…</c> are below <paramref name="home"/>, relative ones below <paramref name="baseDirectory"/>.</summary>
    public static string Expand(string text, string baseDirectory, string home) => throw new NotImplementedException();
}
