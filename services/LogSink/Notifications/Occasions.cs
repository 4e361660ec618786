using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Notifications;

/// <summary>What a record is an occasion for. Remembers the denials of the sessions that had one lately.</summary>
internal sealed class Occasions(NotifyOptions options, TimeProvider time)
{
    public const string SecretDenied = "secret.denied", SecretReflected = "secret.reflected", DenialBurst = "denial.burst";

    /// <summary>No record's: there is none before the answer.</summary>
    public const string AskWaiting = "ask.waiting";

    /// <summary>Beyond it, the session whose denials are oldest is forgotten.</summary>
    private const int MostSessions = 256;

    private readonly Dictionary<string, Queue<long>> _denials = new(StringComparer.Ordinal);

    public static string[] Words { get; } = [SecretDenied, SecretReflected, DenialBurst, AskWaiting];

    /// <summary>What <paramref name="row"/>, seen now, is an occasion for.</summary>
    public IEnumerable<string> Of(EventRow row)
    {
        var denied = row.Verdict == "denied" && row.Attempt is null && !BoundaryActions.IsAsk(row.Action);
        if (denied && row.Gate == "secrets" && options.On.Contains(SecretDenied))
            yield return SecretDenied;
        // Where the credential showed in an answer, in the gateway's words.
        if (row.Gate == "secrets" && options.On.Contains(SecretReflected) && row.Detail is { } detail && DetailJson.Read(detail).ContainsKey("reflected"))
            yield return SecretReflected;
        if (denied && options.On.Contains(DenialBurst) && IsBurst(row.Session))
            yield return DenialBurst;
    }

    // By when they are seen, and by no clock: an agent has no say in the one, nor who sets the other.
    private bool IsBurst(string session)
    {
        if (!_denials.TryGetValue(session, out var times))
        {
            if (_denials.Count >= MostSessions)
                _denials.Remove(_denials.MinBy(each => each.Value.Last()).Key);
            _denials.Add(session, times = new());
        }

        while (times.TryPeek(out var first) && time.GetElapsedTime(first) > TimeSpan.FromSeconds(options.BurstSeconds))
            times.Dequeue();
        times.Enqueue(time.GetTimestamp());
        if (times.Count < options.BurstDenials)
            return false;
        // The next burst needs as many again.
        _denials.Remove(session);
        return true;
    }
}
