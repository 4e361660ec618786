namespace Gatehouse.LogSink.Console.Data;

/// <summary>A session as a list shows it. Every text may be the agent's.</summary>
internal sealed record SessionLine
{
    public required string Id { get; init; }

    /// <summary>Where it stands in the order of the record.</summary>
    public required long First { get; init; }

    public required DateTimeOffset Started { get; init; }

    public DateTimeOffset? Ended { get; init; }

    public long? ExitCode { get; init; }

    public string Command { get; init; } = "";

    public string WorkingDirectory { get; init; } = "";

    /// <summary>Absolute path, or <c>built-in</c>.</summary>
    public string Policy { get; init; } = "";

    public string Isolation { get; init; } = "";

    public long Allowed { get; init; }

    public long Denied { get; init; }

    public long BytesSent { get; init; }

    public long BytesReceived { get; init; }

    /// <summary>What became of the files that it changed, in words; null when nobody has said so yet.</summary>
    public string? Changes { get; init; }

    /// <summary>Changes that are neither applied nor thrown away; null when the record does not know.</summary>
    public long? Waiting { get; init; }

    public required RecordSeal Seal { get; init; }

    public bool IsLive => Ended is null;

    public TimeSpan Duration(DateTimeOffset now) => (Ended ?? now) - Started is { Ticks: > 0 } lasted ? lasted : TimeSpan.Zero;
}
