using Gatehouse.Gate.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>How Kestrel treats the agent's requests.</summary>
internal static class SessionLimits
{
    public static void Apply(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 64L * 1024 * 1024; // a model's context with images
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        kestrel.Listen(new SessionEndPoint(SecretsGate.EndPoint), listen => listen.Protocols = HttpProtocols.Http1);
        // Endpoints in code replace those of ASPNETCORE_URLS: the service's own is added back.
        foreach (var url in (context.Configuration["urls"] ?? "http://127.0.0.1:0").Split(';', StringSplitOptions.RemoveEmptyEntries))
            kestrel.Listen(System.Net.IPEndPoint.Parse(new Uri(url).Authority.Replace("localhost", "127.0.0.1", StringComparison.Ordinal)));
    }

    public static bool IsFromSession(HttpContext context) => context.Features.Get<ISessionFeature>() is not null;
}
