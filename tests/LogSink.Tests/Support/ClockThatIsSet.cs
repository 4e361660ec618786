namespace Gatehouse.LogSink.Tests.Support;

/// <summary>The system's time, but somebody sets the clock. Timestamps and timers go on.</summary>
internal sealed class ClockThatIsSet : TimeProvider
{
    /// <summary>What the clock is off by.</summary>
    public TimeSpan Off { get; set; }

    /// <summary>Time that went by besides, as timestamps have it.</summary>
    public TimeSpan Passed { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Off;

    public override long GetTimestamp() => System.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);
}
