using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>What an origin got: the target as it stood on the wire, and the headers.</summary>
public sealed record Seen(string Method, string Target, string Protocol, IReadOnlyDictionary<string, string> Headers);

/// <summary>A real API on loopback, with or without TLS, that keeps what it is asked.</summary>
public sealed class ApiOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiOrigin(WebApplication app) => _app = app;

    public ConcurrentQueue<Seen> Requests { get; } = new();

    public int Port => new Uri(_app.Urls.Single()).Port;

    public string Url => _app.Urls.Single();

    public static Task<ApiOrigin> StartAsync(RequestDelegate handler, X509Certificate2? certificate = null) =>
        StartAsync(handler, IPAddress.Loopback, certificate);

    public static async Task<ApiOrigin> StartAsync(RequestDelegate handler, IPAddress address, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(address, 0, listen =>
            {
                if (certificate is not null)
                    listen.UseHttps(certificate);
            });
        });
        var origin = new ApiOrigin(builder.Build());
        origin._app.Run(async context =>
        {
            origin.Requests.Enqueue(new(
                context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, context.Request.Protocol,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            await handler(context);
        });
        await origin._app.StartAsync();
        return origin;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
