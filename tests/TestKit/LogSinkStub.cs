using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Gatehouse.Policy.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gatehouse.TestKit;

/// <summary>What the log sink does with the next request.</summary>
public enum SinkMode
{
    Up,

    /// <summary>Breaks connections off, as a dead process would.</summary>
    Down,

    /// <summary>Holds batches until <see cref="LogSinkStub.Mode"/> changes.</summary>
    Stuck,

    /// <summary>400 for every batch.</summary>
    Malformed,

    /// <summary>503, as with a full disk.</summary>
    Full,
}

/// <summary>A log sink in memory, over real HTTP, with switches.</summary>
public sealed class LogSinkStub : IAsyncDisposable
{
    public const string Token = "test-token";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<Guid, BoundaryEvent> _stored = new();
    private readonly ConcurrentQueue<BoundaryEvent> _order = new();
    private volatile SinkMode _mode;
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _batches;
    private int _lines;

    private LogSinkStub(WebApplication app) => _app = app;

    public Uri Uri { get; private set; } = new("http://127.0.0.1/");

    public SinkMode Mode
    {
        get => _mode;
        set
        {
            _mode = value;
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    /// <summary>A batch with a line for which this is true is refused whole (400).</summary>
    public Func<BoundaryEvent, bool> IsMalformed { get; set; } = _ => false;

    /// <summary>Each event once, in order of arrival.</summary>
    public IReadOnlyCollection<BoundaryEvent> Events => _order;

    /// <summary>Requests with events so far, also refused ones.</summary>
    public int Batches => _batches;

    /// <summary>Lines of the batches that were taken, duplicates counted.</summary>
    public int Lines => _lines;

    public static async Task<LogSinkStub> StartAsync(SinkMode mode = SinkMode.Up)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var sink = new LogSinkStub(app) { _mode = mode };
        app.Use(sink.SwitchAsync);
        app.MapGet("/health", () => "Healthy");
        app.MapGet("/events", () => "");
        app.MapPost("/events", (Delegate)sink.StoreAsync);
        await app.StartAsync();
        sink.Uri = new(app.Urls.First());
        return sink;
    }

    /// <summary>Waits for an event.</summary>
    public async Task<BoundaryEvent> WaitForAsync(Func<BoundaryEvent, bool> predicate)
    {
        await Eventually.TrueAsync(() => _order.Any(predicate), what: "the log sink got the event");
        return _order.First(predicate);
    }

    public async ValueTask DisposeAsync()
    {
        Mode = SinkMode.Down;
        await _app.DisposeAsync();
    }

    private async Task SwitchAsync(HttpContext context, RequestDelegate next)
    {
        for (var changed = _changed; Mode == SinkMode.Stuck; changed = _changed)
            await changed.Task.WaitAsync(context.RequestAborted);
        if (Mode == SinkMode.Down)
            context.Abort();
        else if (context.Request.Path != "/health" && context.Request.Headers.Authorization != $"Bearer {Token}")
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        else if (Mode == SinkMode.Full)
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        else
            await next(context);
    }

    private async Task<IResult> StoreAsync(HttpContext context)
    {
        Interlocked.Increment(ref _batches);
        using var reader = new StreamReader(context.Request.Body);
        var batch = new List<BoundaryEvent>();
        try
        {
            while (await reader.ReadLineAsync() is { } line)
                batch.Add(JsonSerializer.Deserialize(line, EventJson.Default.BoundaryEvent)!);
        }
        catch (JsonException)
        {
            return Results.StatusCode(StatusCodes.Status400BadRequest);
        }
        if (Mode == SinkMode.Malformed || batch.Any(IsMalformed))
            return Results.StatusCode(StatusCodes.Status400BadRequest);
        var stored = 0;
        foreach (var each in batch.Where(each => _stored.TryAdd(each.Id, each)))
        {
            _order.Enqueue(each);
            stored++;
        }
        Interlocked.Add(ref _lines, batch.Count);
        return Results.Text($$"""{"stored":{{stored}},"duplicates":{{batch.Count - stored}}}""", "application/json");
    }
}
