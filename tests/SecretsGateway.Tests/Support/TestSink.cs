using System.Collections.Concurrent;
using System.Text.Json;
using Gatehouse.Policy.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>A log sink on loopback that keeps what it is sent.</summary>
public sealed class TestSink : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<BoundaryEvent> _events = new();
    private readonly ConcurrentQueue<string> _lines = new();

    private TestSink(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single());

    public IEnumerable<BoundaryEvent> Events => _events;

    /// <summary>Every byte of the record.</summary>
    public string Text => string.Join('\n', _lines);

    public static async Task<TestSink> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var sink = new TestSink(builder.Build());
        sink._app.MapGet("/health", () => "ok");
        sink._app.MapPost("/events", sink.StoreAsync);
        await sink._app.StartAsync();
        return sink;
    }

    /// <summary>The next event of the session that is as asked for; it comes by way of a queue, a spool and HTTP.</summary>
    public async Task<BoundaryEvent> WaitAsync(string session, Func<BoundaryEvent, bool> isWanted)
    {
        BoundaryEvent? found = null;
        await Eventually.IsTrueAsync(() => (found = _events.FirstOrDefault(each => each.Session == session && isWanted(each))) is not null);
        return found!;
    }

    public Task StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> StoreAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        var count = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            _lines.Enqueue(line);
            _events.Enqueue(JsonSerializer.Deserialize(line, EventJson.Default.BoundaryEvent)!);
            count++;
        }

        return Results.Text($"{{\"stored\":{count},\"duplicates\":0}}", "application/json");
    }
}
