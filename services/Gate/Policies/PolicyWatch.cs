using System.Collections.Immutable;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Policies;

/// <summary>
/// Keeps one session's policy as its file says: a valid new policy is swapped whole, anything else leaves the old one and is recorded.
/// The file is looked at, not watched: inotify sees neither renamed parents nor every network file system.
/// </summary>
internal sealed partial class PolicyWatch(GateIdentity gate, EventRecorder recorder, TimeProvider time, ILogger<PolicyWatch> logger)
{
    /// <summary>A person who saved a file looks at the result about a second later.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <param name="session">Whose policy is kept.</param>
    /// <param name="path">Its file.</param>
    /// <param name="sha256">Hash of the bytes that <see cref="GateSession.Policy"/> was parsed from.</param>
    /// <param name="seen">The file's fingerprint, taken before those bytes were read.</param>
    public async Task RunAsync(GateSession session, string path, string sha256, FileFingerprint seen)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var loaded = seen;
        var last = seen;
        try
        {
            while (await timer.WaitForNextTickAsync(session.Ended))
            {
                var now = FileFingerprint.Of(path);
                // Two looks must agree: half of a file that is being written can be a valid policy, and a wider one.
                if (now == last && now != loaded)
                {
                    loaded = now;
                    sha256 = Reload(session, path, sha256);
                }
                last = now;
            }
        }
        catch (OperationCanceledException)
        {
            // The session ended.
        }
    }

    private string Reload(GateSession session, string path, string current)
    {
        var file = PolicyFile.Read(path);
        if (file.Sha256 == current)
            return current;
        if (file.Policy is not { } policy)
        {
            Log.Refused(logger, session.Id, path, file.Errors[0]);
            Record(session, "policy.refused", path, Verdict.Deny(file.Errors[0]), file.Errors, file.Sha256);
            return current;
        }
        session.Replace(policy);
        Log.Reloaded(logger, session.Id, path);
        Record(session, "policy.reloaded", path, Verdict.Allow("policy"), [], file.Sha256);
        return file.Sha256;
    }

    private void Record(GateSession session, string action, string path, Verdict verdict, ImmutableArray<string> errors, string sha256)
    {
        var detail = new EventDetail
        {
            ["gate"] = gate.Name,
            ["errors"] = errors.IsEmpty ? null : string.Join('\n', errors),
            ["sha256"] = sha256.Length == 0 ? null : sha256,
        };
        var now = time.GetUtcNow();
        recorder.TryRecord(session, new BoundaryEvent
        {
            Id = Guid.CreateVersion7(now),
            Time = now,
            Session = session.Id.Value,
            Gate = Boundary.Sandbox,
            Action = action,
            Subject = path,
            Verdict = verdict.Kind,
            Rule = verdict.Rule,
            Reason = verdict.Reason.Length == 0 ? null : verdict.Reason,
            TraceId = session.Trace == default ? null : session.Trace.TraceId.ToHexString(),
            Detail = detail.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
        });
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Session {Session}: the policy {Path} was reloaded.")]
        public static partial void Reloaded(ILogger logger, SessionId session, string path);

        [LoggerMessage(2, LogLevel.Warning, "Session {Session}: the policy {Path} was refused, the old one holds: {Error}")]
        public static partial void Refused(ILogger logger, SessionId session, string path, string error);
    }
}
