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
internal sealed class ConsoleAccess(TimeProvider time) : IDisposable
{
    public const string CookieName = "gatehouse-console";

    /// <summary>From the terminal to the browser.</summary>
    public static readonly TimeSpan LinkLives = TimeSpan.FromMinutes(5);

    /// <summary>A working day.</summary>
    public static readonly TimeSpan SignInLives = TimeSpan.FromHours(12);

    private const int MostLinks = 16, MostSignedIn = 16, KeyBytes = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SignedIn> _signedIn = new(StringComparer.Ordinal);

    /// <summary>Where the console is, for as long as this process runs: <c>/console/</c> and 32 hexadecimal digits.</summary>
    public string Path { get; } = "/console/" + Random(16);

    /// <summary>A key that signs one browser in, once.</summary>
    public string CreateLink()
    {
        var key = Random(KeyBytes);
        var now = time.GetUtcNow();
        lock (_lock)
        {
            MakeRoom(_links, MostLinks, expires => expires, now);
            _links.Add(Digest(key), now + LinkLives);
        }

        return key;
    }

    /// <returns>The cookie's value; null when the key is used up, too old, or none.</returns>
    public string? Redeem(string key)
    {
        var cookie = Random(KeyBytes);
        var now = time.GetUtcNow();
        List<SignedIn> ended;
        lock (_lock)
        {
            if (!_links.Remove(Digest(key), out var expires) || expires <= now)
                return null;
            ended = MakeRoom(_signedIn, MostSignedIn, entry => entry.Expires, now);
            _signedIn.Add(Digest(cookie), new(now + SignInLives, new(SignInLives, time)));
        }

        foreach (var entry in ended)
            entry.End();
        return cookie;
    }

    /// <param name="cookie">What a browser sent.</param>
    /// <param name="ended">Cancelled when it is signed in no longer: it signed out, its time is up, or others took its place.</param>
    public bool IsSignedIn(string? cookie, out CancellationToken ended)
    {
        ended = default;
        if (cookie is not { Length: 2 * KeyBytes })
            return false;
        lock (_lock)
        {
            if (!_signedIn.TryGetValue(Digest(cookie), out var entry) || entry.Expires <= time.GetUtcNow() || entry.Ended.IsCancellationRequested)
                return false;
            ended = entry.Ended;
            return true;
        }
    }

    public void SignOut(string cookie)
    {
        SignedIn? entry;
        lock (_lock)
            _signedIn.Remove(Digest(cookie), out entry);
        entry?.End();
    }

    public void Dispose()
    {
        foreach (var entry in _signedIn.Values)
            entry.Dispose();
    }

    // Under the lock. The oldest makes room: whoever holds the token can make any number of them.
    private static List<T> MakeRoom<T>(Dictionary<string, T> among, int most, Func<T, DateTimeOffset> expires, DateTimeOffset now)
    {
        var left = among.Where(entry => expires(entry.Value) <= now).ToList();
        left.AddRange(among.Except(left).OrderBy(entry => expires(entry.Value)).Take(Math.Max(0, among.Count - left.Count - most + 1)));
        foreach (var (key, _) in left)
            among.Remove(key);
        return [.. left.Select(entry => entry.Value)];
    }

    private static string Random(int bytes) => RandomNumberGenerator.GetHexString(2 * bytes, lowercase: true);

    // Looked up by digest, so that a comparison's time tells nothing about a key.
    private static string Digest(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private sealed class SignedIn(DateTimeOffset expires, CancellationTokenSource source) : IDisposable
    {
        public DateTimeOffset Expires => expires;

        // Of the source itself only while it is there.
        public CancellationToken Ended { get; } = source.Token;

        // Not under the lock: connections are cut within it.
        public void End()
        {
            source.Cancel();
            source.Dispose();
        }

        public void Dispose() => source.Dispose();
    }
}
