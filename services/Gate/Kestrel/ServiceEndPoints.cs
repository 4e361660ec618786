using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Gatehouse.Gate.Kestrel;

/// <summary>A gate's two kinds of endpoint in one Kestrel.</summary>
public static class ServiceEndPoints
{
    /// <summary>
    /// Listens on the session endpoint, and on the service's own (<c>ASPNETCORE_URLS</c>), which endpoints in code would otherwise replace: loopback, for
    /// health checks and other gates.
    /// </summary>
    public static void ListenForSessions(this KestrelServerOptions kestrel, string endPoint, IConfiguration configuration)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        kestrel.Listen(new SessionEndPoint(endPoint), listen => listen.Protocols = HttpProtocols.Http1);
        foreach (var url in (configuration["urls"] ?? "http://127.0.0.1:0").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var uri = new Uri(url.Replace("//*", "//0.0.0.0", StringComparison.Ordinal).Replace("//+", "//0.0.0.0", StringComparison.Ordinal));
            kestrel.Listen(uri.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(uri.Host.Trim('[', ']')), uri.Port);
        }
    }
}
