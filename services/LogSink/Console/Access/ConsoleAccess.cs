using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.LogSink.Console.Access;

/// <summary>
/// Who may look: links that work once, and the browsers that came by one. All in memory, as digests: a restart signs everybody out.
/// </summary>
/// <remarks>
/// The console stands below a path that nobody can guess. A cookie belongs to a host, whatever the port, so a page that an agent publishes on the
/// same machine would be sent it; but only below its path.
/// </remarks>
internal sealed class ConsoleAccess(TimeProvider time)
{
    public const string CookieName = "gatehouse-console";

    /// <summary>From the terminal to the browser.</summary>
    public static readonly TimeSpan LinkLives = TimeSpan.FromMinutes(5);

    /// <summary>A working day.</summary>
    public static readonly TimeSpan SignInLives = TimeSpan.FromHours(12);

    private const int MostLinks = 16, MostSignedIn = 16, KeyBytes = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _signedIn = new(StringComparer.Ordinal);

    /// <summary>Where the console is, for as long as this process runs: <c>/console/</c> and 32 hexadecimal digits.</summary>
    public string Path { get; } = "/console/" + Random(16);

    /// <summary>A key that signs one browser in, once.</summary>
    public string CreateLink() => Add(_links, LinkLives, MostLinks);

    /// <returns>The cookie's value; null when the key is used up, too old, or none.</returns>
    public string? Redeem(string key)
    {
        lock (_lock)
        {
            if (!_links.Remove(Digest(key), out var expires) || expires <= time.GetUtcNow())
                return null;
        }

        return Add(_signedIn, SignInLives, MostSignedIn);
    }

    public bool IsSignedIn(string? cookie)
    {
        if (cookie is not { Length: 2 * KeyBytes })
            return false;
        lock (_lock)
            return _signedIn.TryGetValue(Digest(cookie), out var expires) && expires > time.GetUtcNow();
    }

    public void SignOut(string cookie)
    {
        lock (_lock)
            _signedIn.Remove(Digest(cookie));
    }

    // The oldest makes room: whoever holds the token can make any number of them.
    private string Add(Dictionary<string, DateTimeOffset> to, TimeSpan lives, int most)
    {
        var key = Random(KeyBytes);
        var now = time.GetUtcNow();
        lock (_lock)
        {
            foreach (var old in to.Where(entry => entry.Value <= now).Select(entry => entry.Key).ToList())
                to.Remove(old);
            while (to.Count >= most)
                to.Remove(to.MinBy(entry => entry.Value).Key);
            to.Add(Digest(key), now + lives);
        }

        return key;
    }

    private static string Random(int bytes) => RandomNumberGenerator.GetHexString(2 * bytes, lowercase: true);

    // Looked up by digest, so that a comparison's time tells nothing about a key.
    private static string Digest(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
