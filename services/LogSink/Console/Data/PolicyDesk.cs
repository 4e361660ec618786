using System.Security.Cryptography;
using System.Text;
using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Ingest;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>Reads, checks and saves policy files that sessions of the record were run under, and no other file.</summary>
internal sealed class PolicyDesk(PolicyFiles files, EventWriter writer, TimeProvider time)
{
    /// <summary>The policy file of a session, as it is now.</summary>
    public PolicyText? Open(string session)
    {
        try
        {
            return files.Read(session) is var (path, text) ? new(path, text) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>What is wrong with it; empty when nothing is.</summary>
    public static IReadOnlyList<string> Check(PolicyText policy) =>
        Encoding.UTF8.GetByteCount(policy.Text) > PolicyParser.MaxBytes
            ? [$"it is larger than {PolicyParser.MaxBytes / 1024 / 1024} MiB"]
            : [.. PolicyParser.Parse(policy.Text, Path.GetFileName(policy.Path)).Errors.Take(50).Select(error => error.ToString())];

    public static AgentPolicy? Parse(PolicyText policy) => PolicyParser.Parse(policy.Text, Path.GetFileName(policy.Path)).Policy;

    /// <summary>Saves an edit, and records it first. The gates take it up by themselves.</summary>
    /// <param name="session">Whose policy.</param>
    /// <param name="before">The text that the edit began with.</param>
    /// <param name="after">The new text.</param>
    /// <returns>Null when it is saved, else why not.</returns>
    public async Task<string?> SaveAsync(string session, PolicyText before, string after)
    {
        var edited = before with { Text = after };
        if (Check(edited) is [var first, ..])
            return first;
        if (!await TryRecordAsync(session, before, after, null))
            return "the record took nothing, so the policy was left as it is: is the disk full?";
        if (files.TryReplace(session, before.Text, after) is not { } problem)
            return null;
        // It was announced, and did not come.
        await TryRecordAsync(session, before, after, problem);
        return problem;
    }

    private async Task<bool> TryRecordAsync(string session, PolicyText before, string after, string? problem)
    {
        var now = time.GetUtcNow();
        var recorded = await writer.StoreAsync([EventRow.From(new BoundaryEvent
        {
            Id = Guid.CreateVersion7(now),
            Time = now,
            Session = session,
            Gate = Boundary.Sandbox,
            Action = problem is null ? BoundaryActions.PolicyEdited : BoundaryActions.PolicyFailed,
            Subject = before.Path,
            Verdict = problem is null ? VerdictKind.Allowed : VerdictKind.Denied,
            Reason = problem is { Length: > 1024 } ? problem[..1024] : problem,
            Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty
                .Add("who", "console").Add("before", Sha256(before.Text)).Add("after", Sha256(after)),
        })]);
        return recorded.Status != StoreStatus.Unavailable;
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <param name="Path">Absolute.</param>
/// <param name="Text">Its content.</param>
internal sealed record PolicyText(string Path, string Text);
