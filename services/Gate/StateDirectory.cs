namespace Gatehouse.Gate;

/// <summary>
/// What outlives a boot: the record, spools, sessions' upper layers. <c>$GATEHOUSE_STATE</c>, else <c>$XDG_STATE_HOME/gatehouse</c>, else
/// <c>~/.local/state/gatehouse</c>.
/// </summary>
public sealed class StateDirectory
{
    private StateDirectory(string path) => Path = path;

    public string Path { get; }

    /// <inheritdoc cref="RunDirectory.Open()"/>
    public static StateDirectory Open() => Open(Find(Environment.GetEnvironmentVariable));

    /// <inheritdoc cref="RunDirectory.Open(string)"/>
    public static StateDirectory Open(string path) => new(PrivateDirectory.Ensure(path, "GATEHOUSE_STATE"));

    /// <summary>A folder in it, created when missing.</summary>
    public string Folder(string name) => PrivateDirectory.Ensure(System.IO.Path.Combine(Path, name), "GATEHOUSE_STATE");

    internal static string Find(Func<string, string?> environment)
    {
        if (environment("GATEHOUSE_STATE") is { Length: > 0 } explicitly)
            return explicitly;
        if (environment("XDG_STATE_HOME") is { } state && System.IO.Path.IsPathFullyQualified(state))
            return System.IO.Path.Combine(state, "gatehouse");
        // Falls back on the password database when HOME is not set.
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return System.IO.Path.Combine(home, ".local", "state", "gatehouse");
    }
}
