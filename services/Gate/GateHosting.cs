using System.Diagnostics.CodeAnalysis;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Policies;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Gatehouse.Gate;

/// <summary>What turns a web application into a gate.</summary>
public static class GateHosting
{
    /// <summary>
    /// Listens on <c>&lt;name&gt;.sock</c> in the run directory, takes sessions over, keeps their policies fresh, and records through
    /// <see cref="EventRecorder"/>. Sessions whose uid (SO_PEERCRED) is not this process's are refused.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name"><c>dns</c>, <c>egress</c> or <c>secrets</c>: socket name.</param>
    /// <param name="boundary">What this gate's events are recorded under.</param>
    /// <exception cref="InvalidOperationException">There is no <c>Gatehouse:Token</c>.</exception>
    public static IHostApplicationBuilder AddGate<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TGate>(
        this IHostApplicationBuilder builder, string name, Boundary boundary)
        where TGate : class, IGate
    {
        if (string.IsNullOrEmpty(builder.Configuration["Gatehouse:Token"]))
            throw new InvalidOperationException("Gatehouse:Token is not set: the AppHost gives every service the same; set Gatehouse__Token to run one alone");
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddOptions<RecorderOptions>().Configure(options => Bind(builder, options));
        builder.Services.AddHttpClient(SinkClient.ClientName);
        builder.Services.AddSingleton(new GateIdentity(name, boundary));
        builder.Services.TryAddSingleton(_ => RunDirectory.Open());
        builder.Services.TryAddSingleton(_ => StateDirectory.Open());
        builder.Services.AddSingleton<PolicyWatch>();
        builder.Services.AddSingleton<SessionServer>();
        builder.Services.AddSingleton<SinkClient>();
        builder.Services.AddSingleton<SpoolingRecorder>();
        builder.Services.AddSingleton<EventRecorder>(services => services.GetRequiredService<SpoolingRecorder>());
        builder.Services.AddHostedService(services => services.GetRequiredService<SpoolingRecorder>());
        builder.Services.AddSingleton<IGate, TGate>();
        builder.Services.AddSingleton<GateListener>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GateListener>());
        builder.Services.AddHealthChecks().Add(new("gate", services => new GateHealth(
            services.GetRequiredService<GateListener>(), services.GetRequiredService<SpoolingRecorder>()), HealthStatus.Unhealthy, tags: null));
        return builder;
    }

    // Read by hand: the configuration binder would need reflection where this library is compiled ahead of time.
    private static void Bind(IHostApplicationBuilder builder, RecorderOptions options)
    {
        var section = builder.Configuration.GetSection("Recorder");
        options.SpoolDirectory = section["SpoolDirectory"];
        if (int.TryParse(section["QueueLength"], out var length) && length >= 16)
            options.QueueLength = length;
        if (long.TryParse(section["SpoolBytes"], out var bytes) && bytes >= 64 * 1024)
            options.SpoolBytes = bytes;
        if (Uri.TryCreate(section["Sink"], UriKind.Absolute, out var sink))
            options.Sink = sink;
    }

    private sealed class GateHealth(GateListener listener, SpoolingRecorder recorder) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
            !listener.IsListening ? HealthCheckResult.Unhealthy("does not listen for sessions")
            : !recorder.IsHealthy ? HealthCheckResult.Unhealthy("the log sink does not answer, or the spool is full")
            : HealthCheckResult.Healthy());
    }
}
