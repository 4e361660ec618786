using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Registration.</summary>
public static class SessionKestrel
{
    /// <summary>
    /// Adds <see cref="SessionConnections"/> and the <c>IConnectionListenerFactory</c> that binds <see cref="SessionEndPoint"/>s; ordinary endpoints
    /// (health) keep the socket transport.
    /// </summary>
    public static IWebHostBuilder UseSessionConnections(this IWebHostBuilder builder) => builder.ConfigureServices(services =>
    {
        services.AddSingleton<SessionConnections>();
        // Kestrel asks factories from the last to the first, and takes the first that can bind an endpoint.
        services.AddSingleton<IConnectionListenerFactory, SessionListenerFactory>();
    });
}
