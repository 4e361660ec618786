using System.Security.Cryptography;
using NSec.Cryptography;

namespace Gatehouse.LogSink.Chain;

/// <summary>
/// The Ed25519 key that signs checkpoints. It lies beside the database as <c>events.db.key</c>, for its owner alone. The public key lies in
/// <c>events.db.pub</c> as base64: kept elsewhere, it shows later that a record comes from this sink.
/// </summary>
internal sealed class SigningKey : ISigner, IDisposable
{
    private static readonly SignatureAlgorithm s_algorithm = SignatureAlgorithm.Ed25519;

    private readonly Key _key;

    private SigningKey(Key key) => _key = key;

    /// <summary>32 bytes.</summary>
    public byte[] PublicKey => _key.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    public static string PathFor(string database) => database + ".key";

    public static string PublicPathFor(string database) => database + ".pub";

    /// <summary>Reads the key, or makes one where there is none. Call with the sink's lock held.</summary>
    /// <exception cref="Store.StoreUnusableException">The file holds no key, or others may read it.</exception>
    public static SigningKey Open(string database)
    {
        var path = PathFor(database);
        var signing = File.Exists(path) ? Read(path) : Create(path);
        var (publicPath, text) = (PublicPathFor(database), System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(signing.PublicKey) + "\n"));
        // Not every time: a sink that comes back while its disk is full could not start.
        if (!File.Exists(publicPath) || !File.ReadAllBytes(publicPath).AsSpan().SequenceEqual(text))
            Write(publicPath, text);
        return signing;
    }

    public byte[] Sign(ReadOnlySpan<byte> message) => s_algorithm.Sign(_key, message);

    public void Dispose() => _key.Dispose();

    private static SigningKey Read(string path)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if ((File.GetUnixFileMode(path) & ~owner) != 0)
            throw new Store.StoreUnusableException($"{path} can be read by others, who could sign in this sink's name: 'chmod 600' it, or move it away for a new key");
        var bytes = File.ReadAllBytes(path);
        try
        {
            return Key.TryImport(s_algorithm, bytes, KeyBlobFormat.RawPrivateKey, out var key) && key is not null
                ? new(key)
                : throw new Store.StoreUnusableException($"{path} holds no signing key: restore it from a backup, or move it away for a new key");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static SigningKey Create(string path)
    {
        var key = Key.Create(s_algorithm, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        var bytes = key.Export(KeyBlobFormat.RawPrivateKey);
        Write(path, bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return new(key);
    }

    // Renamed into place whole: a crash or a full disk leaves no half of a key.
    private static void Write(string path, byte[] content)
    {
        var unfinished = path + ".new";
        File.Delete(unfinished);
        using (var file = new FileStream(unfinished, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
    }
}
