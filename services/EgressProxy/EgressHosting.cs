using System.Diagnostics;
using Gatehouse.EgressProxy.Asking;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Forwarding;
using Gatehouse.EgressProxy.Http;
using Gatehouse.EgressProxy.Tunnel;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate.Kestrel;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy;

/// <summary>What the way out is made of.</summary>
internal static class EgressHosting
{
    public static void AddEgress(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<EgressOptions>().BindConfiguration(EgressOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<EgressOptions>, EgressOptionsValidation>();
        services.AddResolverClient();
        services.AddSingleton<AskDesk>().AddAskClient();
        services.AddSingleton<Dialler>().AddSingleton<GateAddresses>().AddSingleton<Checkpoint>().AddSingleton<Tunnels>();
        services.AddSingleton<ProxyDoor>().AddSingleton<TransparentDoor>().AddSingleton<HttpHandover>();
        services.AddHttpForwarder();
        services.AddSingleton<ForwardEndpoint>();
        services.AddHostedService<MalformedRequests>();
        services.Replace(ServiceDescriptor.Singleton<DistributedContextPropagator, NoRemoteTrace>());

        builder.WebHost.UseSessionConnections();
        builder.WebHost.ConfigureKestrel((context, kestrel) =>
        {
            kestrel.ListenForSessions(HttpHandover.EndPoint, context.Configuration);
            var limits = kestrel.Limits;
            limits.MaxRequestBodySize = null; // streamed, not held
            limits.MinRequestBodyDataRate = null; // an upload may wait for its origin
            limits.MinResponseDataRate = null;
            limits.MaxRequestLineSize = limits.MaxRequestHeadersTotalSize = RequestHeadReader.MaxLength;
            limits.MaxRequestHeaderCount = RequestHeadReader.MaxFields;
            limits.RequestHeadersTimeout = kestrel.ApplicationServices.GetRequiredService<IOptions<EgressOptions>>().Value.HeadTimeout;
        });
    }

    public static void UseEgress(this WebApplication app) => app.RunSessions(app.Services.GetRequiredService<ForwardEndpoint>().InvokeAsync);

    private static void AddAskClient(this IServiceCollection services)
    {
        services.AddSingleton<AskClient>();
        var client = services.AddHttpClient(AskClient.ClientName, (provider, http) =>
        {
            http.BaseAddress = provider.GetRequiredService<IOptions<EgressOptions>>().Value.Sink;
            http.Timeout = AskClient.Poll + TimeSpan.FromSeconds(10);
            http.MaxResponseContentBufferSize = AskClient.MaxAnswer;
            http.DefaultRequestHeaders.Authorization = new("Bearer", provider.GetRequiredService<IConfiguration>()["Gatehouse:Token"]);
        });
        Harden(client);
    }

    private static void AddResolverClient(this IServiceCollection services)
    {
        services.AddSingleton<ResolverClient>();
        var client = services.AddHttpClient(ResolverClient.ClientName, (provider, http) =>
        {
            var options = provider.GetRequiredService<IOptions<EgressOptions>>().Value;
            http.BaseAddress = options.Resolver;
            http.Timeout = options.ResolverTimeout;
            http.MaxResponseContentBufferSize = ResolverClient.MaxAnswer;
            http.DefaultRequestHeaders.Authorization = new("Bearer", provider.GetRequiredService<IConfiguration>()["Gatehouse:Token"]);
        });
        Harden(client);
    }

    private static void Harden(IHttpClientBuilder client)
    {
        client.RemoveAllLoggers();
#pragma warning disable EXTEXP0001 // Experimental for want of a final name.
        // A name that does not resolve answers 502, and an agent makes those at will: repeating them would multiply its questions, and a circuit
        // breaker would let one session close the resolver to all others.
        client.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        client.UseSocketsHttpHandler((handler, _) =>
        {
            handler.UseProxy = false; // The token does not go to the person's HTTP_PROXY.
            handler.AllowAutoRedirect = false;
            handler.ActivityHeadersPropagator = null;
            handler.ConnectTimeout = TimeSpan.FromSeconds(2);
            handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2);
        });
    }
}
