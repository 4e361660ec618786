using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>What AppHost.cs says of resources.</summary>
public static class ResourceBuilderExtensions
{
    private static readonly ConcurrentDictionary<int, bool> s_given = new();

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment => builder.With(resource => resource.Environment.Add((name, () => value)));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment => builder.With(resource => resource.Environment.Add((name, () => parameter.Resource.CurrentValue)));

    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs => builder.With(resource => resource.Arguments.AddRange(args));

    /// <summary>An endpoint on loopback; the process learns it as <c>ASPNETCORE_URLS</c>.</summary>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints => builder.With(resource => resource.Port = port ?? FreePort());

    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints => builder.With(resource => resource.HealthPath = path ?? "/");

    /// <summary>Service discovery: <c>services__NAME__http__0</c> and <c>NAME_HTTP</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment => builder.With(resource => resource.References.Add((ProjectResource)source.Resource));

    /// <summary>Starts when the other is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => builder.With(resource => resource.WaitsFor.Add(dependency.Resource));

    private static IResourceBuilder<T> With<T>(this IResourceBuilder<T> builder, Action<ProjectResource> change)
        where T : IResource
    {
        change(builder.Resource as ProjectResource ?? throw new NotSupportedException($"the embedded host knows projects only, not {typeof(T)}"));
        return builder;
    }

    /// <summary>
    /// One that nobody has, and that nobody is given until its service listens: below the kernel's own choices for outgoing connections
    /// (<c>net.ipv4.ip_local_port_range</c>, from 32768), and not the one of another resource.
    /// </summary>
    private static int FreePort()
    {
        for (var tries = 0; tries < 100; tries++)
        {
            var port = Random.Shared.Next(20_000, 32_768);
            if (s_given.TryAdd(port, true) && TryListen(port) is { } free)
                return free;
        }

        return TryListen(0) ?? throw new InvalidOperationException("no port is free on 127.0.0.1");
    }

    private static int? TryListen(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
