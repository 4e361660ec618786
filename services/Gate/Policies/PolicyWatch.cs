using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Policies;

/// <summary>
/// Keeps one session's policy fresh: the file's time and size are looked at twice a second, and when they changed its bytes. A valid policy is
/// swapped whole; an invalid or missing one is refused whole, the old one stays, and both are recorded.
/// </summary>
internal sealed partial class PolicyWatch(GateSession session, string path, string sha256, EventRecorder recorder, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private string _seen = sha256;
    private (DateTime Written, long Length) _stamp = Stamp(path);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                Look();
        }
        catch (OperationCanceledException)
        {
            // The session ended.
        }
    }

    internal void Look()
    {
        var stamp = Stamp(path);
        if (stamp == _stamp)
            return;
        _stamp = stamp;
        var file = PolicyFile.Read(path);
        if (file.Sha256 == _seen)
            return;
        _seen = file.Sha256;
        if (file.Policy is { } policy)
        {
            session.Replace(policy);
            Log.Reloaded(logger, session.Id, path);
            recorder.TryRecord(session, "policy.reloaded", path, Verdict.Allow("policy"), detail => detail["sha256"] = file.Sha256);
            return;
        }

        Log.Refused(logger, session.Id, path, file.Errors[0]);
        recorder.TryRecord(session, "policy.refused", path, Verdict.Deny("the new policy has errors; the old one stays in force"), detail =>
        {
            for (var i = 0; i < Math.Min(20, file.Errors.Length); i++)
                detail[$"error{i:00}"] = file.Errors[i];
        });
    }

    private static (DateTime, long) Stamp(string path)
    {
        var info = new FileInfo(path);
        return info.Exists ? (info.LastWriteTimeUtc, info.Length) : default;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Session {Session}: the policy {Path} was reloaded")]
        public static partial void Reloaded(ILogger logger, SessionId session, string path);

        [LoggerMessage(2, LogLevel.Warning, "Session {Session}: the new policy {Path} was refused, the old one stays: {Error}")]
        public static partial void Refused(ILogger logger, SessionId session, string path, string error);
    }
}
