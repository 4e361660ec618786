using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Registration.</summary>
public static class SessionKestrel
{
    /// <summary>
    /// Adds <see cref="SessionConnections"/>, the <c>IConnectionListenerFactory</c> that binds <see cref="SessionEndPoint"/>s; ordinary endpoints
    /// (health) keep the socket transport.
    /// </summary>
    public static IWebHostBuilder UseSessionConnections(this IWebHostBuilder builder) => builder.ConfigureServices(services =>
    {
        services.AddSingleton<SessionConnections>();
        // Kestrel adds its own transport only where there is none yet, so that one comes first, whoever runs first. It asks transports from the
        // last to the first, and takes the first that can bind an endpoint.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<SessionConnections>());
    });
}
