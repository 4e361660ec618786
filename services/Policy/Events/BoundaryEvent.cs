using System.Collections.Immutable;

namespace Gatehouse.Policy.Events;

/// <summary>
/// One record of one attempt at a boundary. The event with the verdict is recorded before the verdict takes effect; when an
/// allowed attempt moved data, a second event with <see cref="Attempt"/> set to the first one's id tells how it ended.
/// </summary>
public sealed record BoundaryEvent
{
    /// <summary>UUIDv7 (RFC 9562 §5.7).</summary>
    public required Guid Id { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>Session id.</summary>
    public required string Session { get; init; }

    public required Boundary Gate { get; init; }

    /// <summary>What was tried, in one word or two with a dot: <c>query</c>, <c>connect</c>, <c>request</c>, <c>connect.end</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was tried on: a name, host:port, URL without query, path or command. At most 2,048 characters.</summary>
    public required string Subject { get; init; }

    public required VerdictKind Verdict { get; init; }

    public string? Rule { get; init; }

    public string? Reason { get; init; }

    /// <summary>Bytes from the agent outward.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes to the agent.</summary>
    public long BytesReceived { get; init; }

    public double DurationMs { get; init; }

    /// <summary>W3C trace id, 32 hex digits.</summary>
    public string? TraceId { get; init; }

    /// <summary>The verdict event that this one completes.</summary>
    public Guid? Attempt { get; init; }

    /// <summary>More, by gate. At most 32 entries of 4,096 characters.</summary>
    public ImmutableSortedDictionary<string, string>? Detail { get; init; }
}

/// <summary>The boundary that recorded an event.</summary>
public enum Boundary
{
    Dns,
    Egress,
    Secrets,
    Filesystem,
    Execution,
    Sandbox,
}

/// <summary>What a gate does when nothing can be recorded.</summary>
public enum WhenUnavailable
{
    Deny,
    Spool,
}
