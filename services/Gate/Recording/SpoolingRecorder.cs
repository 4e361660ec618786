using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Threading.Channels;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Queue → spool file → sink. An event is in the spool within a moment of <see cref="TryRecord(GateSession, BoundaryEvent)"/>, and leaves it only when
/// the sink has stored it: at least once, whichever process is killed.
/// </summary>
internal sealed partial class SpoolingRecorder : EventRecorder, IHostedService, IDisposable
{
    private const int MaxLines = 1_000, MaxBatch = 1024 * 1024;
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(50), s_lastRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(3);

    private static readonly ActivitySource s_activities = new("Gatehouse.Gate");
    private static readonly Meter s_meter = new("Gatehouse.Gate");
    private static readonly Counter<long> s_decisions = s_meter.CreateCounter<long>("gatehouse.decisions", "{decision}", "Verdicts by gate");
    private static readonly JsonWriterOptions s_json = new() { SkipValidation = true };

    private readonly Channel<BoundaryEvent> _queue;
    private readonly SinkClient _sink;
    private readonly GateIdentity _boundary;
    private readonly TimeProvider _time;
    private readonly ILogger<SpoolingRecorder> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SpoolFile _spool;
    private readonly string _rejected;
    private Task _running = Task.CompletedTask;
    private volatile bool _sinkIsUp;
    private volatile bool _spoolIsFull;

    public SpoolingRecorder(IOptions<RecorderOptions> options, SinkClient sink, GateIdentity boundary, TimeProvider time, ILogger<SpoolingRecorder> logger)
    {
        (_sink, _boundary, _time, _logger) = (sink, boundary, time, logger);
        _queue = Channel.CreateBounded<BoundaryEvent>(new BoundedChannelOptions(options.Value.QueueLength) { SingleReader = true });
        var folder = options.Value.SpoolDirectory ?? Path.Combine(StateDirectory.Open().Path, "spool");
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var name = boundary.Name;
        _spool = new(Path.Combine(folder, name + ".ndjson"), options.Value.SpoolBytes);
        _rejected = Path.Combine(folder, name + ".rejected.ndjson");
        s_meter.CreateObservableGauge("gatehouse.recorder.queue", () => _queue.Reader.Count, "{event}", "Events that wait in memory");
        s_meter.CreateObservableGauge("gatehouse.recorder.spool", () => _spool.Pending, "By", "Bytes that wait for the sink");
    }

    /// <summary>The sink has answered, and there is room.</summary>
    public bool IsHealthy => _sinkIsUp && !_spoolIsFull;

    public override bool TryRecord(GateSession session, BoundaryEvent boundaryEvent)
    {
        if (!_sinkIsUp && session.Policy.WhenUnavailable == WhenUnavailable.Deny)
            return false;
        return !_spoolIsFull && _queue.Writer.TryWrite(EventDraft.Bound(boundaryEvent));
    }

    public override Guid? TryRecord(GateSession session, string action, string subject, Verdict verdict, Action<EventDetail>? more = null)
    {
        var each = Create(session, action, subject, more) with
        {
            Verdict = verdict.Kind,
            Rule = verdict.Rule,
            Reason = verdict.Reason.Length == 0 ? null : verdict.Reason,
        };
        var recorded = TryRecord(session, each);
        Trace(session, each, recorded);
        return recorded ? each.Id : null;
    }

    public override void RecordEnd(
        GateSession session, Guid attempt, string action, string subject, long bytesSent, long bytesReceived, TimeSpan duration, Action<EventDetail>? more = null)
    {
        var each = Create(session, action, subject, more) with
        {
            Verdict = VerdictKind.Allowed,
            Attempt = attempt,
            BytesSent = bytesSent,
            BytesReceived = bytesReceived,
            DurationMs = Math.Round(duration.TotalMilliseconds, 3),
        };
        Trace(session, each, recorded: true);
        // The data has moved: this one waits in memory or on disk whatever the policy says, and is lost only when both are full.
        if (_spoolIsFull || !_queue.Writer.TryWrite(EventDraft.Bound(each)))
            Log.EndLost(_logger, each.Action);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        _stop.CancelAfter(s_stopWithin);
        await _running;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _spool.Dispose();
    }

    private BoundaryEvent Create(GateSession session, string action, string subject, Action<EventDetail>? more)
    {
        var now = _time.GetUtcNow();
        EventDetail? detail = null;
        if (more is not null)
            more(detail = new EventDetail());
        return new()
        {
            Id = Guid.CreateVersion7(now),
            Time = now,
            Session = session.Id.Value,
            Gate = _boundary.Boundary,
            Action = action,
            Subject = subject,
            Verdict = VerdictKind.Denied,
            TraceId = session.Trace.TraceId == default ? null : session.Trace.TraceId.ToHexString(),
            Detail = detail is null ? null : System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, detail.Values),
        };
    }

    private static void Trace(GateSession session, BoundaryEvent each, bool recorded)
    {
        if (each.Attempt is null)
            s_decisions.Add(1, new("gatehouse.gate", each.Gate.ToString()), new("gatehouse.verdict", each.Verdict.ToString()));
        var start = each.Time - TimeSpan.FromMilliseconds(each.DurationMs);
        using var activity = s_activities.StartActivity(ActivityKind.Server, session.Trace, startTime: start, name: $"{each.Gate} {each.Action}");
        if (activity is null)
            return;
        activity.SetTag("session.id", each.Session).SetTag("gatehouse.gate", each.Gate.ToString()).SetTag("gatehouse.subject", each.Subject)
            .SetTag("gatehouse.verdict", each.Verdict.ToString()).SetTag("gatehouse.event.id", each.Id);
        if (each.Rule is not null)
            activity.SetTag("gatehouse.rule", each.Rule);
        foreach (var (name, value) in each.Detail ?? System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty)
            activity.SetTag("gatehouse.detail." + name, value);
        if (each.Verdict == VerdictKind.Denied || !recorded)
            activity.SetStatus(ActivityStatusCode.Error, recorded ? each.Reason : "not recorded");
    }

    private async Task RunAsync(CancellationToken stop)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        var retry = s_firstRetry;
        try
        {
            _sinkIsUp = await _sink.IsReadyAsync(stop);
            while (true)
            {
                SpoolQueued(buffer);
                if (_spool.Pending > 0 ? await DeliverAsync(stop) : await ProbeAsync(stop))
                {
                    retry = s_firstRetry;
                    if (_spool.Pending == 0 && !await WaitForMoreAsync(stop))
                        return;
                }
                else
                {
                    if (_queue.Reader.Completion.IsCompleted)
                        return;
                    await Task.Delay(retry, _time, stop);
                    retry = retry * 2 < s_lastRetry ? retry * 2 : s_lastRetry;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // What is in the spool goes out after the next start.
        }
        finally
        {
            SpoolQueued(buffer);
        }
    }

    private async Task<bool> WaitForMoreAsync(CancellationToken stop)
    {
        // While nothing happens the sink is asked now and then, so that its end is known before it matters.
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(stop);
        idle.CancelAfter(s_lastRetry);
        try
        {
            return await _queue.Reader.WaitToReadAsync(idle.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            _sinkIsUp = await _sink.IsReadyAsync(stop);
            return true;
        }
    }

    private async Task<bool> ProbeAsync(CancellationToken stop) => _sinkIsUp || (_sinkIsUp = await _sink.IsReadyAsync(stop));

    private void SpoolQueued(ArrayBufferWriter<byte> buffer)
    {
        while (!_spool.IsFull && _queue.Reader.TryPeek(out _))
        {
            buffer.ResetWrittenCount();
            using (var writer = new Utf8JsonWriter(buffer, s_json))
            {
                for (var i = 0; i < MaxLines && buffer.WrittenCount < MaxBatch && _queue.Reader.TryRead(out var each); i++)
                {
                    JsonSerializer.Serialize(writer, each, EventJson.Default.BoundaryEvent);
                    writer.Flush();
                    writer.Reset();
                    buffer.Write("\n"u8);
                }
            }

            try
            {
                _spool.Append(buffer.WrittenSpan);
            }
            catch (IOException e)
            {
                // The disk is full. These were let through on the promise of a record: they go out by memory, or are logged as lost.
                Log.SpoolFailed(_logger, e);
                _spoolIsFull = true;
                return;
            }
        }

        _spoolIsFull = _spool.IsFull;
    }

    private async Task<bool> DeliverAsync(CancellationToken stop)
    {
        var batch = _spool.Peek(MaxLines, MaxBatch);
        if (batch.Length == 0)
            return false;
        var delivery = await _sink.PostAsync(batch, stop);
        _sinkIsUp = delivery != Delivery.Unavailable;
        if (delivery == Delivery.Unavailable)
            return false;
        if (delivery == Delivery.Malformed)
            await DeliverLineByLineAsync(batch, stop);
        else
            _spool.Deliver(batch.Length);
        return true;
    }

    // One bad line must not hold up all others: it is set aside, where a person can look at it.
    private async Task DeliverLineByLineAsync(byte[] batch, CancellationToken stop)
    {
        for (var at = 0; at < batch.Length;)
        {
            var length = batch.AsSpan(at).IndexOf((byte)'\n') + 1;
            var delivery = await _sink.PostAsync(batch.AsMemory(at, length), stop);
            if (delivery == Delivery.Unavailable)
                return;
            if (delivery == Delivery.Malformed)
            {
                Log.Rejected(_logger, _rejected);
                await File.AppendAllBytesAsync(_rejected, batch.AsMemory(at, length), stop);
            }

            _spool.Deliver(length);
            at += length;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The log sink refused an event; it is in {Path}")]
        public static partial void Rejected(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Error, "The spool can not be written: no attempt is let through until it can")]
        public static partial void SpoolFailed(ILogger logger, Exception exception);

        [LoggerMessage(3, LogLevel.Error, "The end of an attempt ({Action}) was not recorded: queue and spool are full")]
        public static partial void EndLost(ILogger logger, string action);
    }
}
