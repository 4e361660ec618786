using Gatehouse.Gate.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>How Kestrel treats the agent's requests, and where it listens for others.</summary>
internal static class SessionLimits
{
    public static void Apply(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<IOptions<GatewayOptions>>().Value;
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = options.MaxRequestHeadersBytes;
        kestrel.Limits.RequestHeadersTimeout = options.RequestHeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = options.KeepAliveTimeout;
        kestrel.Listen(new SessionEndPoint(SecretsGate.EndPoint), listen => listen.Protocols = HttpProtocols.Http1);
        // Endpoints in code replace those of ASPNETCORE_URLS: the service's own is added back.
        foreach (var url in (context.Configuration["urls"] ?? "http://127.0.0.1:0").Split(';', StringSplitOptions.RemoveEmptyEntries))
            Listen(kestrel, BindingAddress.Parse(url));
    }

    public static bool IsFromSession(HttpContext context) => context.Features.Get<Gate.Kestrel.ISessionFeature>() is not null;

    private static void Listen(KestrelServerOptions kestrel, BindingAddress url)
    {
        if (System.Net.IPAddress.TryParse(url.Host.Trim('[', ']'), out var address))
            kestrel.Listen(address, url.Port);
        else if (url.Host != "localhost")
            kestrel.ListenAnyIP(url.Port);
        else if (url.Port == 0)
            kestrel.Listen(System.Net.IPAddress.Loopback, 0);
        else
            kestrel.ListenLocalhost(url.Port);
    }
}
