using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>
/// Records a session's questions: each once a second however often it is repeated, and at most so many different ones a second; what is above
/// that is counted, and the count recorded. The record can so be neither flooded nor dodged.
/// </summary>
internal sealed class AttemptLog(GateSession session, EventRecorder recorder, TimeProvider time)
{
    /// <summary>Different questions a second that each get an event of their own: a page of a browser asks a tenth of that.</summary>
    public const int MaxPerSecond = 200;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, bool> _recent = new(StringComparer.Ordinal);
    private long _window = time.GetTimestamp();
    private int _suppressed;

    /// <returns>False when it could not be recorded: the answer is then a failure, whatever the verdict.</returns>
    public bool TryRecord(string subject, Verdict verdict)
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_window) >= TimeSpan.FromSeconds(1))
                Flush();
            if (_recent.TryGetValue(subject, out var recorded))
                return recorded;
            if (_recent.Count >= MaxPerSecond)
            {
                // Above the bound nothing new is let through either, so that no allowed question goes unrecorded.
                _suppressed++;
                return !verdict.IsAllowed;
            }

            return _recent[subject] = recorder.TryRecord(session, "query", subject, verdict) is not null;
        }
    }

    /// <summary>The beginning of a question, for <see cref="Answered"/>.</summary>
    public long Begin() => time.GetTimestamp();

    public void Answered(long begin, bool isAllowed) => recorder.Decided(isAllowed, time.GetElapsedTime(begin));

    /// <summary>Records what was only counted.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            if (_suppressed > 0)
            {
                var count = _suppressed;
                recorder.TryRecord(session, "query", $"{count} more questions", Verdict.Deny($"more than {MaxPerSecond} different questions in a second"),
                    detail => detail["count"] = count.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }

            _suppressed = 0;
            _recent.Clear();
            _window = time.GetTimestamp();
        }
    }
}
