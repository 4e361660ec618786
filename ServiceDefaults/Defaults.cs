using Gatehouse.ServiceDefaults.Console;
using Gatehouse.ServiceDefaults.Health;
using Gatehouse.ServiceDefaults.Http;
using Gatehouse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Gatehouse.ServiceDefaults;

/// <summary>What every service has and none should have to think about.</summary>
public static class Defaults
{
    /// <summary>
    /// A slim builder that takes settings files only from the program's own folder, never from the working directory: that may be a project which
    /// somebody else wrote. Nor are they watched, which would cost a descriptor for every folder below, and a fifth of a second.
    /// </summary>
    /// <param name="args">The command line: configuration, and stronger than the environment.</param>
    public static WebApplicationBuilder CreateBuilder(string[] args) => WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
        ContentRootPath = AppContext.BaseDirectory,
    });

    /// <summary>
    /// One-line console log, telemetry (exported when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set), health checks, service discovery,
    /// and HTTP clients that find services by name and retry what is safe to repeat.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddLineConsole();
        builder.AddTelemetry();
        builder.AddLiveness();
        builder.AddServiceClients();
        return builder;
    }

    /// <summary><c>GET /health</c>: ready, every check passes. <c>GET /alive</c>: live, the checks tagged <c>live</c> pass. Neither asks for a token.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        HealthEndpoints.Map(app);
        return app;
    }
}
