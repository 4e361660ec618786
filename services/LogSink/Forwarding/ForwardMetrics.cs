using System.Diagnostics.Metrics;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>How forwarding does, by receiver.</summary>
internal sealed class ForwardMetrics
{
    private const string Target = "gatehouse.forward.target";

    private readonly Meter _meter;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _failed;

    public ForwardMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(SinkMetrics.MeterName);
        _sent = _meter.CreateCounter<long>("gatehouse.log_sink.forward.sent", "{event}", "Events that a receiver acknowledged");
        _dropped = _meter.CreateCounter<long>("gatehouse.log_sink.forward.dropped", "{event}", "Events that a receiver refused for good, or that were damaged");
        _failed = _meter.CreateCounter<long>("gatehouse.log_sink.forward.failures", "{request}", "Requests that have to be repeated");
    }

    public void Watch(IReadOnlyList<Forwarder> forwarders) => _meter.CreateObservableGauge(
        "gatehouse.log_sink.forward.lag", () => forwarders.Select(each => new Measurement<long>(each.Lag, new KeyValuePair<string, object?>(Target, each.Name))),
        "{event}", "Stored events that a receiver has not acknowledged yet");

    public void Sent(string name, long count) => _sent.Add(count, new KeyValuePair<string, object?>(Target, name));

    public void Dropped(string name, long count) => _dropped.Add(count, new KeyValuePair<string, object?>(Target, name));

    public void Failed(string name) => _failed.Add(1, new KeyValuePair<string, object?>(Target, name));
}
