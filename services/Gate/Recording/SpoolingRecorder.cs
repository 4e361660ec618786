using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Globalization;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Spool file → sink. A verdict is in the spool before its gate hears that it is recorded, and leaves it only when the sink has stored it: at least once,
/// whichever process is killed. What can not be written and is no verdict (ends, seals, what was denied for want of a record) waits in a bounded queue.
/// </summary>
internal sealed partial class SpoolingRecorder : EventRecorder, IHostedService, IDisposable
{
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromSeconds(1);

    /// <summary>The rest is delivered after the next start; a person waits for this one to end.</summary>
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(3);

    private readonly GateIdentity _gate;
    private readonly TimeProvider _time;
    private readonly ILogger<SpoolingRecorder> _logger;
    private readonly SpoolQueue _queue;
    private readonly SpoolFile _spool;
    private readonly SinkClient _sink;
    private readonly SinkLink _link;
    private readonly SpoolWriter _writer;
    private readonly SpoolDelivery _delivery;
    private readonly RecorderMetrics _metrics;
    private readonly CancellationTokenSource _stop = new();
    private bool _isDisposed;
    private Task _writing = Task.CompletedTask, _delivering = Task.CompletedTask, _probing = Task.CompletedTask;

    public SpoolingRecorder(
        GateIdentity gate, StateDirectory state, IOptions<RecorderOptions> options, SinkClient sink, SinkLink link, IMeterFactory meters,
        TimeProvider time, ILogger<SpoolingRecorder> logger)
    {
        (_gate, _sink, _link, _time, _logger) = (gate, sink, link, time, logger);
        var folder = options.Value.SpoolDirectory is { } named ? PrivateDirectory.Ensure(named, "Recorder:SpoolDirectory") : state.Folder("spool");
        _queue = new(options.Value.QueueLength);
        _spool = new(Path.Combine(folder, gate.Name + ".ndjson"), options.Value.SpoolBytes);
        _delivery = new(_spool, sink, link, Path.Combine(folder, gate.Name + ".rejected.ndjson"), time, logger);
        _writer = new(_queue, _spool, _delivery.Wake, time, logger);
        _metrics = new(meters, () => _queue.Count, () => _spool.Pending);
    }

    internal SpoolFile Spool => _spool;

    /// <summary>The sink takes events, and there is room for them.</summary>
    public bool IsHealthy => _link.IsUp && !_writer.IsBlocked;

    public override bool TryRecord(GateSession session, BoundaryEvent boundaryEvent) => Record(session, boundaryEvent).Recorded;

    public override Guid? TryRecord(GateSession session, string action, string subject, Verdict verdict, Action<EventDetail>? more = null)
    {
        var (each, recorded) = Record(session, Create(session, action, subject, more) with
        {
            Verdict = verdict.Kind,
            Rule = verdict.Rule,
            Reason = verdict.Reason.Length == 0 ? null : verdict.Reason,
        });
        return recorded ? each.Id : null;
    }

    public override void RecordEnd(
        GateSession session, Guid attempt, string action, string subject, long bytesSent, long bytesReceived, TimeSpan duration,
        Action<EventDetail>? more = null)
    {
        var each = EventDraft.Bound(Create(session, action, subject, more) with
        {
            Verdict = VerdictKind.Allowed,
            Attempt = attempt,
            BytesSent = bytesSent,
            BytesReceived = bytesReceived,
            DurationMs = Math.Round(duration.TotalMilliseconds, 3),
        });
        DecisionSpans.Emit(session, each);
        _metrics.Ended(each);
        // The data has moved: this one waits whatever the policy says, and is lost only when queue and spool are full.
        if (TryAppend(session, each) || TryEnqueue(session, each, isAttempt: false))
            return;
        _metrics.Refused();
        Log.EndLost(_logger, session.Id, each.Action);
    }

    public override void Decided(bool isAllowed, TimeSpan took) => _metrics.Took(_gate.Boundary, isAllowed ? VerdictKind.Allowed : VerdictKind.Denied, took);

    public override void Seal(GateSession session) => Seal(session, session.Seal());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = Task.Run(() => _writer.RunAsync(_stop.Token), CancellationToken.None);
        // Before the gate says that it is ready: under 'deny' it would deny everything until the sink has answered once.
        _link.Probed(await _sink.IsReadyAsync(cancellationToken));
        _delivering = Task.Run(() => _delivery.RunAsync(_stop.Token), CancellationToken.None);
        _probing = ProbeAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Complete();
        await using var late = _time.CreateTimer(_ => _stop.Cancel(), null, s_stopWithin, Timeout.InfiniteTimeSpan);
        await _writing;
        _delivery.Complete();
        await _delivering;
        await _stop.CancelAsync();
        await _probing;
    }

    public void Dispose()
    {
        // The container disposes once for each service this is registered as.
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        _stop.Cancel(); // When the host failed to start, nothing was stopped.
        _stop.Dispose();
        _spool.Dispose();
    }

    private (BoundaryEvent Event, bool Recorded) Record(GateSession session, BoundaryEvent boundaryEvent)
    {
        var each = EventDraft.Bound(boundaryEvent);
        var mayWait = session.Policy.WhenUnavailable == WhenUnavailable.Spool;
        var mayRecord = mayWait || IsHealthy;
        var recorded = mayRecord && TryAppend(session, each);
        if (!recorded)
        {
            _metrics.Refused();
            // The caller denies: that is what the record is to say, once it can be written.
            if (each.Verdict == VerdictKind.Allowed)
                each = each with { Verdict = VerdictKind.Denied, Reason = "the attempt could not be recorded" };
            // Not a second time into a spool that just did not take it: that could be another wait for the disk.
            if (mayRecord || !TryAppend(session, each))
                TryEnqueue(session, each, isAttempt: true);
        }
        if (each.Attempt is null)
            _metrics.Decided(each.Gate, each.Verdict);
        DecisionSpans.Emit(session, each);
        return (each, recorded);
    }

    /// <summary>Into the spool. It does not overtake what waits in the queue.</summary>
    private bool TryAppend(GateSession session, BoundaryEvent each) => TryAppend(each) && Count(session);

    private bool TryAppend(BoundaryEvent each)
    {
        if (_writer.HasWork)
            return false;
        try
        {
            if (!_spool.TryAppend(EventLine.Of(each)))
                return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The queue's writer meets the same, and says so.
            return false;
        }
        _delivery.Wake();
        return true;
    }

    private bool TryEnqueue(GateSession session, BoundaryEvent each, bool isAttempt) => _queue.TryAdd(EventLine.Of(each), isAttempt) && Count(session);

    private bool Count(GateSession session)
    {
        if (session.CountRecord() is > 0 and var late)
            Seal(session, late);
        return true;
    }

    // It is no attempt: neither metric nor span. When there is no room for it, the record shows that it is missing.
    private void Seal(GateSession session, long records)
    {
        var count = records.ToString(CultureInfo.InvariantCulture);
        var seal = Create(session, BoundaryActions.Seal, $"{count} events", detail => detail["records"] = count) with { Verdict = VerdictKind.Allowed };
        _ = TryAppend(seal) || _queue.TryAdd(EventLine.Of(seal), isAttempt: false);
    }

    private BoundaryEvent Create(GateSession session, string action, string subject, Action<EventDetail>? more)
    {
        var now = _time.GetUtcNow();
        EventDetail? detail = null;
        more?.Invoke(detail = new EventDetail());
        return new()
        {
            Id = EventId.Create(now),
            Time = now,
            Session = session.Id.Value,
            Gate = _gate.Boundary,
            Action = action,
            Subject = subject,
            Verdict = VerdictKind.Denied,
            TraceId = session.Trace.TraceId == default ? null : session.Trace.TraceId.ToHexString(),
            Detail = detail?.Values.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
    }

    // Also while it is up: that it died must be known before the next attempt, not by it.
    private async Task ProbeAsync()
    {
        using var timer = new PeriodicTimer(s_probeInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                _link.Probed(await _sink.IsReadyAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The gate stops.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Session {Session}: the end of an attempt ({Action}) was not recorded: queue and spool are full.")]
        public static partial void EndLost(ILogger logger, SessionId session, string action);
    }
}
