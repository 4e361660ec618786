using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gatehouse.TestKit;

/// <summary>
/// A real HTTP server on loopback, port 0. <c>/redirect?to=URL</c>, <c>/delay?ms=N</c>, <c>/bytes?count=N</c> and
/// <c>/sse?count=N&amp;ms=N</c> do as they say;
/// every other path answers 200 with the request: first line, headers, empty line, body.
/// </summary>
public sealed class TestOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestOrigin(WebApplication app, string scheme) => (_app, Scheme) = (app, scheme);

    public string Scheme { get; }

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    public Uri Uri => new($"{Scheme}://{EndPoint}/");

    /// <summary>What came in, oldest first: method, host, path with query, headers and body.</summary>
    public ConcurrentQueue<OriginRequest> Requests { get; } = new();

    /// <param name="certificate">TLS with HTTP/1.1 and HTTP/2 when given, else plain HTTP/1.1.</param>
    /// <param name="configure">Maps more endpoints.</param>
    public static async Task<TestOrigin> StartAsync(X509Certificate2? certificate = null, Action<WebApplication>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
                listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        var origin = new TestOrigin(app, certificate is null ? "http" : "https");
        app.Use(origin.RememberAsync);
        app.MapGet("/redirect", (string to) => Results.Redirect(to));
        app.MapGet("/delay", async (int ms, HttpContext context) =>
        {
            await Task.Delay(ms, context.RequestAborted);
            return "late";
        });
        app.MapGet("/bytes", (int count) => Results.Bytes(new byte[count]));
        app.MapGet("/sse", StreamAsync);
        configure?.Invoke(app);
        app.MapFallback(EchoAsync);
        await app.StartAsync();
        origin.EndPoint = new(IPAddress.Loopback, new Uri(app.Urls.First()).Port);
        return origin;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task RememberAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        request.EnableBuffering();
        using var reader = new StreamReader(request.Body, leaveOpen: true);
        var body = await reader.ReadToEndAsync();
        request.Body.Position = 0;
        Requests.Enqueue(new(
            request.Method, request.Host.Value ?? "", request.Path + request.QueryString,
            request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body));
        await next(context);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        var request = context.Request;
        using var reader = new StreamReader(request.Body);
        var body = await reader.ReadToEndAsync();
        var headers = string.Concat(request.Headers.Select(h => $"{h.Key}: {h.Value}\n"));
        await context.Response.WriteAsync($"{request.Method} {request.Path}{request.QueryString} {request.Protocol}\n{headers}\n{body}");
    }

    private static async Task StreamAsync(HttpContext context, int count, int ms)
    {
        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < count; i++)
        {
            await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {i}\ndata: event {i}\n\n"));
            await context.Response.Body.FlushAsync();
            await Task.Delay(ms, context.RequestAborted);
        }
    }
}

/// <summary>One request as the origin saw it.</summary>
public sealed record OriginRequest(string Method, string Host, string PathAndQuery, IReadOnlyDictionary<string, string> Headers, string Body);
