using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Recording;

/// <summary>Spool file to sink, at least once. A line that the sink will never take is set aside, so that it does not hold up all others, while there is room for such.</summary>
internal sealed partial class SpoolDelivery(SpoolFile spool, SinkClient sink, SinkLink link, string rejectedPath, TimeProvider time, ILogger logger)
{
    /// <summary>The sink takes as many lines, and 8 MiB; a megabyte keeps one request short.</summary>
    private const int MaxLines = 1_000, MaxBytes = 1024 * 1024;

    /// <summary>For a person to look at; a sink of another version could refuse everything.</summary>
    private const long MaxRejected = 16 * 1024 * 1024;

    /// <summary>
    /// Each request costs gate and sink as much as some hundred events, a commit among it. So what comes behind a batch waits for more: for a moment that nobody
    /// notices, longer behind one that was larger than this (a busy build), and not at all when there is enough for a request.
    /// </summary>
    private const int BusyBytes = 8 * 1024, EnoughBytes = 256 * 1024;

    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(50), s_gatherBusy = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(50), s_lastRetry = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _more = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>There is something in the spool.</summary>
    public void Wake() => _more.Writer.TryWrite(true);

    /// <summary>No more will come: <see cref="RunAsync"/> ends when the spool is empty.</summary>
    public void Complete() => _more.Writer.TryComplete();

    public async Task RunAsync(CancellationToken stop)
    {
        var retry = s_firstRetry;
        try
        {
            do
            {
                while (await DeliverNextAsync(stop) is { } bytes)
                {
                    var stored = bytes > 0;
                    link.Posted(stored);
                    // What comes alone is sent at once: only behind another it waits.
                    if (!stored || (spool.Pending < EnoughBytes && !_more.Reader.Completion.IsCompleted))
                        await Task.Delay(!stored ? retry : bytes > BusyBytes ? s_gatherBusy : s_gather, time, stop);
                    retry = stored ? s_firstRetry : retry * 2 < s_lastRetry ? retry * 2 : s_lastRetry;
                }
            }
            while (await _more.Reader.WaitToReadAsync(stop) && _more.Reader.TryRead(out _));
        }
        catch (OperationCanceledException)
        {
            // What is left goes out after the next start.
        }
        catch (Exception error)
        {
            link.Posted(stored: false);
            Log.Failed(logger, error);
        }
    }

    /// <returns>Bytes; null when nothing waits, 0 when it is to be tried again.</returns>
    private async Task<int?> DeliverNextAsync(CancellationToken stop)
    {
        try
        {
            if (spool.Peek(MaxLines, MaxBytes) is not { IsEmpty: false } batch)
                return null;
            return await DeliverAsync(batch, stop) ? batch.Length : 0;
        }
        catch (IOException error)
        {
            // Disks recover. What was stored already is sent again, and known by its ids.
            Log.SpoolFailed(logger, error.Message);
            return 0;
        }
    }

    /// <returns>False when the sink took not all of it for now.</returns>
    private async Task<bool> DeliverAsync(ReadOnlyMemory<byte> batch, CancellationToken stop)
    {
        switch (await sink.PostAsync(batch, stop))
        {
            case Delivery.Unavailable:
                return false;
            case Delivery.Stored:
                spool.Deliver(batch.Length);
                return true;
            default:
                var half = Half(batch.Span);
                if (half < batch.Length)
                    return await DeliverAsync(batch[..half], stop) && await DeliverAsync(batch[half..], stop);
                // What can be kept nowhere else stays in the spool, which fills up: sessions are denied then, rather than let through without a record.
                if (!TrySetAside(batch.Span))
                    return false;
                spool.Deliver(batch.Length);
                return true;
        }
    }

    /// <summary>Where the line ends that stands in the middle; the whole length for one line.</summary>
    private static int Half(ReadOnlySpan<byte> batch)
    {
        var lines = batch.Count((byte)'\n');
        var end = 0;
        for (var i = 0; i < Math.Max(1, lines / 2) && lines > 0; i++)
            end += batch[end..].IndexOf((byte)'\n') + 1;
        return lines > 1 ? end : batch.Length;
    }

    private bool TrySetAside(ReadOnlySpan<byte> line)
    {
        try
        {
            if (new FileInfo(rejectedPath) is { Exists: true, Length: > MaxRejected })
                throw new IOException($"{rejectedPath} is full: look at it, then move it away");
            File.AppendAllBytes(rejectedPath, line);
            Log.Rejected(logger, rejectedPath);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.SetAsideFailed(logger, error.Message);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The log sink refused an event for good. It is in {Path}.")]
        public static partial void Rejected(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Error, "An event that the log sink refuses can not be set aside either ({Error}): it is tried again.")]
        public static partial void SetAsideFailed(ILogger logger, string error);

        [LoggerMessage(4, LogLevel.Error, "The spool can not be read or cut ({Error}): it is tried again.")]
        public static partial void SpoolFailed(ILogger logger, string error);

        [LoggerMessage(3, LogLevel.Critical, "Events are no longer sent to the log sink. Start the gate again.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
