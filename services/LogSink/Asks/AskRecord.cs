using System.Collections.Immutable;
using Gatehouse.LogSink.Ingest;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Asks;

/// <summary>Answers as boundary events: who let what through, and how far.</summary>
internal sealed class AskRecord(EventWriter writer, TimeProvider time)
{
    /// <param name="ask">What was asked.</param>
    /// <param name="state">What became of it; <see cref="AskState.Waiting"/>: nothing, an answer failed.</param>
    /// <param name="scope">How far the answer reaches.</param>
    /// <param name="who"><c>console</c>, <c>terminal</c>, <c>gate</c> or <c>nobody</c>.</param>
    /// <param name="reason">Why it ended without an answer.</param>
    public async Task<bool> TryWriteAsync(Ask ask, AskState state, AskScope scope, string who, string? reason = null)
    {
        var now = time.GetUtcNow();
        var detail = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        detail["ask"] = ask.Id;
        detail["scope"] = scope.ToString().ToLowerInvariant();
        detail["who"] = who;
        var outcome = await writer.StoreAsync([EventRow.From(new BoundaryEvent
        {
            Id = Guid.CreateVersion7(now),
            Time = now,
            Session = ask.Session,
            Gate = Boundary.Egress,
            Action = BoundaryActions.AskPrefix + (state == AskState.Waiting ? "failed" : state.ToString().ToLowerInvariant()),
            Subject = ask.Subject,
            Verdict = state == AskState.Allowed ? VerdictKind.Allowed : VerdictKind.Denied,
            Rule = ask.Rule,
            Reason = reason is { Length: > 1024 } ? reason[..1024] : reason,
            DurationMs = Math.Max(0, (now - ask.Asked).TotalMilliseconds),
            Detail = detail.ToImmutable(),
        })]);
        return outcome.Status != StoreStatus.Unavailable;
    }
}
