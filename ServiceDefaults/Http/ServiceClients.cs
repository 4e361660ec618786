using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Gatehouse.ServiceDefaults.Http;

/// <summary>
/// What <c>IHttpClientFactory</c> gives: clients with which services talk to each other, never ones that carry an agent's traffic.
/// </summary>
internal static class ServiceClients
{
    public static void AddServiceClients(this IHostApplicationBuilder builder)
    {
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(client =>
        {
            client.UseSocketsHttpHandler(static (handler, _) =>
            {
                // A service's token must not end up at the person's HTTP_PROXY, or wherever a redirect points.
                handler.UseProxy = false;
                handler.AllowAutoRedirect = false;
                handler.UseCookies = false;
                // Peers are on this machine or the next: one that has not accepted by then is down.
                handler.ConnectTimeout = TimeSpan.FromSeconds(2);
                // A service that came back on another port is found again.
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2);
            });
            client.AddStandardResilienceHandler(Configure);
            client.AddServiceDiscovery();
        });
    }

    private static void Configure(HttpStandardResilienceOptions options)
    {
        // The default first wait of 2 s suits a distant service; a neighbour that restarts is back within one.
        options.Retry.Delay = TimeSpan.FromMilliseconds(200);
        options.Retry.ShouldHandle = static attempt => ValueTask.FromResult(
            attempt.Context.GetRequestMessage() is { } request && Repetition.IsHarmless(request)
            && HttpClientResiliencePredicates.IsTransient(attempt.Outcome));
    }
}
