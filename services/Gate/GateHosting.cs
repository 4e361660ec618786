using System.Diagnostics.CodeAnalysis;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Policies;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

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
            throw new InvalidOperationException(
                "Gatehouse:Token is not set: the AppHost gives every service the same; set Gatehouse__Token to run one alone");
        var services = builder.Services;
        services.AddSingleton(new GateIdentity(name, boundary));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => RunDirectory.Open());
        services.TryAddSingleton(_ => StateDirectory.Open());
        services.AddRecorder();

        services.AddSingleton<IGate, TGate>();
        services.AddSingleton<PolicyWatch>();
        services.AddSingleton<SessionServer>();
        services.AddSingleton<GateListener>();
        services.AddHostedService(provider => provider.GetRequiredService<GateListener>());
        services.AddHealthChecks().Add(new("gate", provider => new GateHealth(
            provider.GetRequiredService<GateListener>(), provider.GetRequiredService<SpoolingRecorder>()), HealthStatus.Unhealthy, tags: null));
        return builder;
    }

    // Started before the gate takes sessions, stopped after it has closed them.
    private static void AddRecorder(this IServiceCollection services)
    {
        services.AddSingleton<RecorderSettings>();
        services.AddSingleton<IConfigureOptions<RecorderOptions>>(provider => provider.GetRequiredService<RecorderSettings>());
        services.AddSingleton<IValidateOptions<RecorderOptions>>(provider => provider.GetRequiredService<RecorderSettings>());
        services.AddOptions<RecorderOptions>().ValidateOnStart();
        services.AddMetrics();
        services.AddHttpClient(SinkClient.ClientName)
            .RemoveAllLoggers() // Four lines a request, one request a second, for ever.
            .UseSocketsHttpHandler((handler, _) =>
            {
                handler.UseProxy = false; // Records do not go to the person's HTTP_PROXY.
                handler.AllowAutoRedirect = false;
                handler.ActivityHeadersPropagator = null; // Probes and batches are no part of any session's trace.
            })
            // The host's standard retries would only hide for seconds that the sink is down; the recorder has its own. Known by name: this library
            // does not reference theirs.
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) =>
            {
                foreach (var retrying in handlers.Where(handler => handler.GetType().Name == "ResilienceHandler").ToList())
                    handlers.Remove(retrying);
            });
        services.AddSingleton<SinkClient>();
        services.AddSingleton<SinkLink>();
        services.AddSingleton<SpoolingRecorder>();
        services.AddSingleton<EventRecorder>(provider => provider.GetRequiredService<SpoolingRecorder>());
        services.AddHostedService(provider => provider.GetRequiredService<SpoolingRecorder>());
    }
}
