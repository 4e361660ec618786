namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>Programs of the host that make an enclosure, by absolute path: the caller's PATH has no say.</summary>
internal static class Programs
{
    private static readonly string[] s_folders = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin"];

    public static string Unshare => Find("unshare", "util-linux");

    public static string Nsenter => Find("nsenter", "util-linux");

    public static string Bubblewrap => Find("bwrap", "bubblewrap");

    public static string Dotnet =>
        s_folders.Select(folder => Path.Combine(folder, "dotnet")).Concat([
            Path.Combine(Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? "/usr/share/dotnet", "dotnet"),
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet/dotnet"),
        ]).FirstOrDefault(File.Exists) ?? throw new FileNotFoundException("dotnet is not installed: install the .NET 10 SDK");

    /// <returns>Null when it is in none of the folders.</returns>
    public static string? TryFind(string name) => s_folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <exception cref="FileNotFoundException">It is in none of the folders.</exception>
    private static string Find(string name, string package) =>
        TryFind(name) ?? throw new FileNotFoundException($"{name} is not installed: install the package '{package}' (apt-get install {package})");
}
