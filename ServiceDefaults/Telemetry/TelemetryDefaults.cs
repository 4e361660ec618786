using Gatehouse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Gatehouse.ServiceDefaults.Telemetry;

/// <summary>Logs, metrics and traces over OTLP, to whatever collector the environment names.</summary>
internal static class TelemetryDefaults
{
    /// <summary>Every meter and source of ours begins with this.</summary>
    private const string Ours = "Gatehouse.*";

    private const string EndpointKey = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string ServiceNameKey = "OTEL_SERVICE_NAME";

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        // With nobody to send to, the pipeline would only cost start-up time, memory and a listener on every request.
        if (string.IsNullOrWhiteSpace(builder.Configuration[EndpointKey]))
            return;

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource =>
            {
                if (string.IsNullOrEmpty(builder.Configuration[ServiceNameKey]))
                    resource.AddService(builder.Environment.ApplicationName);
            })
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter(Ours))
            .WithTracing(tracing => tracing
                .AddSource(Ours)
                .AddAspNetCoreInstrumentation(options => options.Filter = IsWorthASpan)
                .AddHttpClientInstrumentation())
            .UseOtlpExporter();
    }

    /// <summary>Probes come every few seconds for ever and would bury what matters.</summary>
    private static bool IsWorthASpan(HttpContext context) =>
        !context.Request.Path.Equals(HealthEndpoints.Ready) && !context.Request.Path.Equals(HealthEndpoints.Live);
}
