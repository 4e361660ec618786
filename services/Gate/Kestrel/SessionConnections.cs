using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Hands connections that a gate accepted itself to Kestrel. Singleton, registered by <see cref="SessionKestrel.UseSessionConnections"/>.</summary>
public sealed class SessionConnections
{
    /// <summary>
    /// Gives <paramref name="socket"/>, of which nothing but a peek was read, to the Kestrel endpoint named <paramref name="endPoint"/>. Kestrel owns it
    /// from then on; it is aborted when the session ends.
    /// </summary>
    /// <returns>False when the endpoint is not bound or its backlog is full: the caller still owns the socket.</returns>
    public bool TryAdd(string endPoint, Socket socket, ISessionFeature session) => throw new NotImplementedException();
}

/// <summary>Registration.</summary>
public static class SessionKestrel
{
    /// <summary>
    /// Adds <see cref="SessionConnections"/> and the <c>IConnectionListenerFactory</c> that binds <see cref="SessionEndPoint"/>s; ordinary endpoints
    /// (health) keep the socket transport.
    /// </summary>
    public static IWebHostBuilder UseSessionConnections(this IWebHostBuilder builder) => throw new NotImplementedException();
}
