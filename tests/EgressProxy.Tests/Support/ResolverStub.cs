using System.Collections.Concurrent;
using System.Net;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>The resolver's endpoint for gates, over real HTTP, with answers of the test's choice. Remembers every question.</summary>
internal sealed class ResolverStub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ResolverStub(WebApplication app) => _app = app;

    public Uri Uri { get; private set; } = new("http://127.0.0.1/");

    public ConcurrentDictionary<string, string[]> Addresses { get; } = new();

    public ConcurrentDictionary<string, string> Names { get; } = new();

    /// <summary>Names that it was asked to resolve.</summary>
    public ConcurrentQueue<string> Resolved { get; } = new();

    /// <summary>Breaks connections off, as a dead process would.</summary>
    public bool IsDown { get; set; }

    public static async Task<ResolverStub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var stub = new ResolverStub(app);
        app.Use((context, next) =>
        {
            if (stub.IsDown)
                context.Abort();
            else if (context.Request.Headers.Authorization != $"Bearer {LogSinkStub.Token}")
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            else
                return next(context);
            return Task.CompletedTask;
        });
        app.MapGet("/sessions/{session}/resolve/{name}", (string name) =>
        {
            stub.Resolved.Enqueue(name);
            return stub.Addresses.TryGetValue(name, out var addresses)
                ? Results.Json(new { addresses, ttlSeconds = 60 })
                : Results.Problem(statusCode: StatusCodes.Status502BadGateway);
        });
        app.MapGet("/sessions/{session}/gate-addresses/{address}", (string address) =>
            stub.Names.TryGetValue(address, out var name) ? Results.Text($$"""{"name":"{{name}}"}""", "application/json") : Results.NotFound());
        await app.StartAsync();
        stub.Uri = new Uri(app.Urls.First());
        return stub;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
