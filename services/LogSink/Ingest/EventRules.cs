using System.Buffers;
using Gatehouse.Gate;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Ingest;

/// <summary>The bounds that <see cref="BoundaryEvent"/> promises. Characters are not looked at: the record holds what was tried, as it was.</summary>
internal static class EventRules
{
    private const int MostAction = 64;
    private const int MostSubject = 2_048;
    private const int MostRule = 2_048;
    private const int MostReason = 4_096;
    private const int MostEntries = 32;
    private const int MostName = 128;
    private const int MostValue = 4_096;
    private const int TraceLength = 32;

    private static readonly SearchValues<char> s_traceDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>What is wrong with an event, or null.</summary>
    public static string? Check(BoundaryEvent each)
    {
        if (each.Id.Version != 7 || each.Id.Variant is < 8 or > 11)
            return "id must be a UUIDv7";
        if (!SessionId.TryParse(each.Session, out _))
            return "session must be 1 to 40 of a–z, 0–9 and '-', not beginning with '-'";
        if (!Enum.IsDefined(each.Gate))
            return "gate must be one of " + string.Join(", ", Words.Gates);
        if (!Enum.IsDefined(each.Verdict))
            return "verdict must be one of " + string.Join(", ", Words.Verdicts);
        if (each.Action.Length is 0 or > MostAction)
            return $"action must have 1 to {MostAction} characters";
        if (each.Subject.Length > MostSubject)
            return $"subject must have at most {MostSubject} characters";
        if (each.Rule?.Length > MostRule)
            return $"rule must have at most {MostRule} characters";
        if (each.Reason?.Length > MostReason)
            return $"reason must have at most {MostReason} characters";
        if (each.BytesSent is < 0 or > SessionTally.MostBytes || each.BytesReceived is < 0 or > SessionTally.MostBytes)
            return "bytesSent and bytesReceived must be 0 to 2^53";
        if (!double.IsFinite(each.DurationMs) || each.DurationMs < 0)
            return "durationMs must be 0 or more";
        if (each.TraceId is { } trace && (trace.Length != TraceLength || trace.AsSpan().ContainsAnyExcept(s_traceDigits)))
            return "traceId must be 32 lower-case hexadecimal digits";
        if (each.Detail is not { } detail)
            return null;
        if (detail.Count > MostEntries)
            return $"detail must have at most {MostEntries} members";
        return detail.Any(entry => entry.Key.Length is 0 or > MostName || entry.Value is null or { Length: > MostValue })
            ? $"detail must have names of 1 to {MostName} and values of at most {MostValue} characters"
            : null;
    }
}
