namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>A folder that is gone afterwards. Below /tmp, since unix sockets want short paths.</summary>
public sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("gh-secrets-").FullName;

    public string Of(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(Of(name), text);
        File.SetUnixFileMode(Of(name), mode);
        return Of(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
