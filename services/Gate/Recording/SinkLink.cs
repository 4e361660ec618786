using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Whether the sink takes events now. It is down until it has answered once. A sink that answers probes but refuses batches (full disk, wrong
/// token) is down: batches that wait decide, probes only while none does.
/// </summary>
internal sealed partial class SinkLink(ILogger<SinkLink> logger)
{
    private readonly Lock _gate = new();
    private bool _isRefusing;
    private volatile bool _isUp;

    public bool IsUp => _isUp;

    public void Posted(bool stored)
    {
        lock (_gate)
        {
            _isRefusing = !stored;
            Set(stored);
        }
    }

    public void Probed(bool answered)
    {
        lock (_gate)
            Set(answered && !_isRefusing);
    }

    private void Set(bool isUp)
    {
        if (_isUp == isUp)
            return;
        _isUp = isUp;
        if (isUp)
            Log.Up(logger);
        else
            Log.Down(logger);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The log sink takes events.")]
        public static partial void Up(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning,
            "The log sink takes no events: they are spooled, and sessions whose policy says 'deny' are denied everything.")]
        public static partial void Down(ILogger logger);
    }
}
