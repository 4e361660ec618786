using System.Diagnostics.Metrics;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class RecorderMetricsTests
{
    [Fact]
    public void End_OfAnAttempt_CountsItsBytesAndTimeByGate()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var seen = new List<string>();
        using var listener = new MeterListener();
        var factory = services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, each) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, factory))
                each.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => seen.Add($"{instrument.Name} {value} {Text(tags)}"));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => seen.Add($"{instrument.Name} {value} {Text(tags)}"));
        listener.Start();
        var metrics = new RecorderMetrics(factory, () => 0, () => 0);

        metrics.Decided(Boundary.Dns, VerdictKind.Denied);
        metrics.Took(Boundary.Secrets, VerdictKind.Allowed, TimeSpan.FromMicroseconds(250));
        metrics.Ended(new()
        {
            Id = Guid.CreateVersion7(),
            Time = default,
            Session = "s",
            Gate = Boundary.Egress,
            Action = "connect.end",
            Subject = "a:1",
            Verdict = VerdictKind.Allowed,
            BytesSent = 10,
            BytesReceived = 200,
            DurationMs = 1_500,
        });

        Assert.Equal(
            [
                "gatehouse.decisions 1 gatehouse.gate=dns gatehouse.verdict=denied",
                "gatehouse.decision.duration 0.00025 gatehouse.gate=secrets gatehouse.verdict=allowed",
                "gatehouse.bytes 10 gatehouse.gate=egress network.io.direction=transmit",
                "gatehouse.bytes 200 gatehouse.gate=egress network.io.direction=receive",
                "gatehouse.attempt.duration 1.5 gatehouse.gate=egress",
            ], seen);
    }

    private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
}
