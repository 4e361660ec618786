namespace Gatehouse.LogSink.Query;

/// <summary>Stored times as they are shown.</summary>
internal static class Time
{
    /// <summary>A time that no clock can show was not written by the sink; it must not keep the other records from being read.</summary>
    public static DateTimeOffset Of(long ticks) => new(Math.Clamp(ticks, 0, DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero);
}
