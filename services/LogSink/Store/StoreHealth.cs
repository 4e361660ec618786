using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// Degraded, not unhealthy, while the disk refuses events: queries still work, the gates hold their spools, and a restart would not make room. It is
/// well again with the first commit, which comes by itself: the gates send again.
/// </summary>
internal sealed class StoreHealth(EventWriter writer, EventStore store, Retention retention) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            writer.Refusal is { } refusal ? HealthCheckResult.Degraded($"No event can be stored: {refusal}")
            : store.Found is { } found ? HealthCheckResult.Degraded($"The record was tampered with or damaged: {found}")
            : retention.Problem is { } kept ? HealthCheckResult.Degraded(kept)
            : HealthCheckResult.Healthy());
}
