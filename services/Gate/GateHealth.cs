using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Recording;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gatehouse.Gate;

/// <summary>Ready: takes sessions, and can record what they do.</summary>
internal sealed class GateHealth(GateListener listener, SpoolingRecorder recorder) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !listener.IsListening ? HealthCheckResult.Unhealthy("does not listen for sessions")
        : !recorder.IsHealthy ? HealthCheckResult.Unhealthy("the log sink takes no events, or the spool is full")
        : HealthCheckResult.Healthy());
}
