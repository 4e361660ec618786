namespace Gatehouse.AgentSandbox.Images;

/// <summary>A folder for one build, holding the Dockerfile that this program carries; gone when disposed.</summary>
internal sealed class BuildContext : IDisposable
{
    private BuildContext(string path) => Path = path;

    public string Path { get; }

    public static BuildContext Create()
    {
        var context = new BuildContext(Directory.CreateTempSubdirectory("gatehouse-image-").FullName);
        using (var recipe = typeof(BuildContext).Assembly.GetManifestResourceStream("agent.Dockerfile")!)
        using (var file = File.Create(System.IO.Path.Combine(context.Path, "Dockerfile")))
            recipe.CopyTo(file);
        var trust = Directory.CreateDirectory(System.IO.Path.Combine(context.Path, "trust")).FullName;
        File.WriteAllText(System.IO.Path.Combine(trust, "README"), "");
        // What this machine was told to trust, a proxy's own authority for one, the build's downloads have to trust as well.
        var bundle = Environment.GetEnvironmentVariable("NODE_EXTRA_CA_CERTS") ?? Environment.GetEnvironmentVariable("SSL_CERT_FILE");
        if (File.Exists(bundle))
            File.Copy(bundle, System.IO.Path.Combine(trust, "host.crt"));
        return context;
    }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
