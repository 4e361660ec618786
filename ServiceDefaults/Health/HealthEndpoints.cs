using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Gatehouse.ServiceDefaults.Health;

/// <summary>Ready and live, as orchestrators tell them apart: one waits for the first, and restarts a process without the second.</summary>
internal static class HealthEndpoints
{
    public const string Ready = "/health";
    public const string Live = "/alive";

    private const string LiveTag = "live";

    public static void AddLiveness(this IHostApplicationBuilder builder) =>
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(Ready, new HealthCheckOptions { ResponseWriter = HealthAnswer.WriteAsync });
        endpoints.MapHealthChecks(Live, new HealthCheckOptions { Predicate = check => check.Tags.Contains(LiveTag) });
    }
}
