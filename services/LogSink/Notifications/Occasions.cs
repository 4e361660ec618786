namespace Gatehouse.LogSink.Notifications;

/// <summary>What a record is an occasion for. Remembers the denials of the sessions that had one lately.</summary>
internal sealed class Occasions(NotifyOptions options)
{
    public const string SecretDenied = "secret.denied", SecretReflected = "secret.reflected", DenialBurst = "denial.burst";

    /// <summary>Beyond it, the session whose denials are oldest is forgotten.</summary>
    private const int MostSessions = 256;

    private readonly Dictionary<string, Queue<DateTimeOffset>> _denials = new(StringComparer.Ordinal);

    public static string[] Words { get; } = [SecretDenied, SecretReflected, DenialBurst];

    /// <summary>What <paramref name="row"/>, seen at <paramref name="now"/>, is an occasion for.</summary>
    public IEnumerable<string> Of(EventRow row, DateTimeOffset now)
    {
        var denied = row.Verdict == "denied" && row.Attempt is null;
        if (denied && row.Gate == "secrets" && options.On.Contains(SecretDenied))
            yield return SecretDenied;
        // The gateway names the fields of an answer that it took out: a Location for where it pointed, any other for the credential in it.
        if (row.Gate == "secrets" && options.On.Contains(SecretReflected) && row.Detail is { } detail && DetailJson.Read(detail).GetValueOrDefault("removed") is not (null or "Location"))
            yield return SecretReflected;
        if (denied && options.On.Contains(DenialBurst) && IsBurst(row.Session, now))
            yield return DenialBurst;
    }

    // By when they are seen: an agent has no say in that.
    private bool IsBurst(string session, DateTimeOffset now)
    {
        if (!_denials.TryGetValue(session, out var times))
        {
            if (_denials.Count >= MostSessions)
                _denials.Remove(_denials.MinBy(each => each.Value.Last()).Key);
            _denials.Add(session, times = new());
        }

        while (times.TryPeek(out var first) && now - first > TimeSpan.FromSeconds(options.BurstSeconds))
            times.Dequeue();
        times.Enqueue(now);
        if (times.Count < options.BurstDenials)
            return false;
        // The next burst needs as many again.
        _denials.Remove(session);
        return true;
    }
}
