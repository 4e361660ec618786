using Gatehouse.Policy.Events;

namespace Gatehouse.Record;

/// <summary>
/// An event as it is stored. Words stay words, so that a record that somebody changed can still be read, hashed and shown to be
/// changed.
/// </summary>
public sealed record EventRow
{
    public long Sequence { get; init; }

    public required Guid Id { get; init; }

    /// <summary>100 ns since 0001-01-01T00:00:00Z.</summary>
    public required long Ticks { get; init; }

    public required string Session { get; init; }

    public required string Gate { get; init; }

    public required string Action { get; init; }

    public required string Subject { get; init; }

    public required string Verdict { get; init; }

    public string? Rule { get; init; }

    public string? Reason { get; init; }

    public long BytesSent { get; init; }

    public long BytesReceived { get; init; }

    public double DurationMs { get; init; }

    public string? TraceId { get; init; }

    public Guid? Attempt { get; init; }

    /// <summary>See <see cref="DetailJson"/>.</summary>
    public string? Detail { get; init; }

    public byte[] Hash { get; init; } = [];

    public static EventRow From(BoundaryEvent each) => new()
    {
        Id = each.Id,
        Ticks = each.Time.UtcTicks,
        Session = each.Session,
        Gate = Words.Of(each.Gate),
        Action = each.Action,
        Subject = each.Subject,
        Verdict = Words.Of(each.Verdict),
        Rule = each.Rule,
        Reason = each.Reason,
        BytesSent = each.BytesSent,
        BytesReceived = each.BytesReceived,
        // SQLite does not keep the sign of zero, and the hash would see it.
        DurationMs = each.DurationMs == 0 ? 0 : each.DurationMs,
        TraceId = each.TraceId,
        Attempt = each.Attempt,
        Detail = DetailJson.Write(each.Detail),
    };
}
