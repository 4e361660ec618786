using System.Reflection;
using Gatehouse.LogSink.Store;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>Runs a <see cref="Forwarder"/> for each configured receiver. Degraded, never unhealthy, while one does not take the record: nothing is lost by it.</summary>
internal sealed class ForwardingService : BackgroundService, IHealthCheck
{
    private readonly List<Forwarder> _forwarders = [];
    private readonly List<IForwardTarget> _targets = [];

    public ForwardingService(IOptions<LogSinkOptions> options, EventStore store, ForwardMetrics metrics, TimeProvider time, ILogger<Forwarder> log)
    {
        if (options.Value.Forward.Count == 0)
            return;
        string chain;
        using (var connection = store.Database.OpenReader())
            chain = Convert.ToHexStringLower(EventDatabase.Genesis(connection).Hash);
        var version = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0";
        foreach (var (name, each) in options.Value.Forward)
        {
            var target = ForwardTargets.Create(each, chain[..32], version, time);
            _targets.Add(target);
            _forwarders.Add(new(name, each, target, store, new($"{store.Database.Path}.forward-{name}", chain), metrics, time, log));
        }

        metrics.Watch(_forwarders);
    }

    public IReadOnlyList<Forwarder> Forwarders => _forwarders;

    /// <summary>The last record that every receiver has.</summary>
    public long SentThrough => _forwarders.Count == 0 ? long.MaxValue : _forwarders.Min(each => each.SentThrough);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var lags = _forwarders.ToDictionary(each => each.Name, each => (object)each.Lag);
        var behind = string.Join(", ", _forwarders.Where(each => each.Problem is not null).Select(each => each.Name));
        return Task.FromResult(behind.Length > 0 ? HealthCheckResult.Degraded($"The record is not taken by: {behind}", data: lags) : HealthCheckResult.Healthy(data: lags));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_forwarders.Select(each => Task.Run(() => each.RunAsync(stoppingToken), CancellationToken.None)));

    public override void Dispose()
    {
        base.Dispose();
        _targets.ForEach(each => each.Dispose());
    }
}
