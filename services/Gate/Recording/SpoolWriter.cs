using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Recording;

/// <summary>Queue to spool file: of what could not be written when it was recorded, and holds nobody up. It writes as soon as there is room again.</summary>
internal sealed partial class SpoolWriter(SpoolQueue queue, SpoolFile spool, Action appended, TimeProvider time, ILogger logger)
{
    /// <summary>One write(2); more gains nothing.</summary>
    private const int MaxWrite = 256 * 1024;

    /// <summary>A full disk or spool is looked at again this often.</summary>
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(250);

    private readonly MemoryStream _lines = new(MaxWrite);
    private volatile bool _isBlocked, _isHolding;

    /// <summary>The spool has no room, or the disk has none.</summary>
    public bool IsBlocked => _isBlocked;

    /// <summary>Something waits in memory, which would not survive this process: what comes now must wait behind it.</summary>
    public bool HasWork => _isBlocked || _isHolding || queue.Count > 0;

    /// <summary>Runs until the queue is complete and empty.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (await queue.WaitAsync(stop))
            {
                // Before the queue is empty: nothing may overtake what is held here.
                _isHolding = true;
                _lines.SetLength(0);
                // No more than that but for one line: the smallest spool has room for it.
                while (queue.TryPeek(out var line) && (_lines.Length == 0 || _lines.Length + line.Length <= MaxWrite))
                {
                    _lines.Write(line);
                    queue.Take();
                }
                while (!TryAppend())
                    await Task.Delay(s_retry, time, stop);
                _isHolding = false;
                appended();
            }
        }
        catch (OperationCanceledException)
        {
            Log.Lost(logger, queue.Count);
        }
        catch (Exception error)
        {
            // A bug. Nothing is let through from here on, for nothing would be recorded.
            _isBlocked = true;
            Log.Failed(logger, error);
        }
    }

    private bool TryAppend()
    {
        try
        {
            var done = spool.TryAppend(_lines.GetBuffer().AsSpan(0, (int)_lines.Length));
            if (!done && !_isBlocked)
                Log.Full(logger);
            _isBlocked = !done;
            return done;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (!_isBlocked)
                Log.DiskFailed(logger, error.Message);
            _isBlocked = true;
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The spool is full: until the log sink takes events again, nothing is let through.")]
        public static partial void Full(ILogger logger);

        [LoggerMessage(2, LogLevel.Error, "The spool can not be written ({Error}): until it can, nothing is let through.")]
        public static partial void DiskFailed(ILogger logger, string error);

        [LoggerMessage(3, LogLevel.Error, "The gate stopped with a full spool: {Count} events or more are lost.")]
        public static partial void Lost(ILogger logger, int count);

        [LoggerMessage(4, LogLevel.Critical, "The recorder failed: nothing is let through. Start the gate again.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
