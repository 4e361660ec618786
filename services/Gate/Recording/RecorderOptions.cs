namespace Gatehouse.Gate.Recording;

/// <summary>Configuration section <c>Recorder</c>.</summary>
public sealed class RecorderOptions
{
    /// <summary>Events that wait in memory while the spool can not be written; at 1 KiB each, 8 MiB, and never more than 64.</summary>
    public int QueueLength { get; set; } = 8_192;

    /// <summary>Bytes that wait in the spool file: two days of a busy agent without a sink. The file itself may be twice as long.</summary>
    public long SpoolBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Folder of the spool; default: <c>spool</c> in the state directory.</summary>
    public string? SpoolDirectory { get; set; }

    /// <summary>The log sink; by service discovery.</summary>
    public Uri Sink { get; set; } = new("http://log-sink");
}
