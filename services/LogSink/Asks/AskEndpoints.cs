using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.LogSink.Live;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.LogSink.Asks;

/// <summary><c>/asks</c>: for the gates, which ask, and for terminals, which answer. Behind the token, like everything here.</summary>
internal sealed class AskEndpoints(AskBoard board, TimeProvider time, IHostApplicationLifetime lifetime) : IDisposable
{
    private const int MostBody = 16 * 1024;

    /// <summary>Long polls at a time are bounded by the asks; streams by this.</summary>
    private const int MostFollowers = 32;

    /// <summary>The longest long poll; gates come back.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _followers = new(MostFollowers);

    public void Map(WebApplication app)
    {
        app.MapPost("/asks", AskAsync);
        app.MapGet("/asks", ListAsync);
        app.MapGet("/asks/stream", StreamAsync);
        app.MapGet("/asks/{id}", StatusAsync);
        app.MapDelete("/asks/{id}", WithdrawAsync);
        app.MapPost("/asks/{id}/answer", AnswerAsync);
    }

    private async Task AskAsync(HttpContext context)
    {
        var (request, problem) = await ReadAsync(context, AskJson.Default.AskRequest);
        problem ??= AskRules.Read(request, out _);
        if (problem is not null)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "Malformed ask", problem);
            return;
        }

        AskRules.Read(request, out var ask);
        switch (board.Add(ask))
        {
            case AddProblem.TooMany:
                await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "Too many asks", "Enough of them wait for a person already.");
                break;
            case AddProblem.Known:
                await RefuseAsync(context, StatusCodes.Status409Conflict, "Known ask", "There is an ask of that id.");
                break;
            case AddProblem.Expired:
                await RefuseAsync(context, StatusCodes.Status400BadRequest, "Malformed ask", "expires has passed");
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status201Created;
                break;
        }
    }

    private async Task StatusAsync(HttpContext context)
    {
        if (Id(context) is not { } id || board.Find(id) is not { } held)
        {
            await UnknownAsync(context);
            return;
        }

        if (double.TryParse(context.Request.Query["wait"], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            var wait = TimeSpan.FromSeconds(Math.Min(seconds, s_longestWait.TotalSeconds));
            await held.Decided.WaitAsync(wait, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await WriteAsync(context, new AskStatus(held.State, held.Scope), AskJson.Default.AskStatus);
    }

    private async Task WithdrawAsync(HttpContext context)
    {
        if (Id(context) is { } id && board.Find(id) is not null)
        {
            await board.WithdrawAsync(id);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await UnknownAsync(context);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, problem) = await ReadAsync(context, AskJson.Default.AnswerRequest);
        if (problem is not null || request?.Verdict is not { } verdict)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "Malformed answer", problem ?? "verdict must be allow or deny");
            return;
        }

        var result = Id(context) is { } id
            ? await board.AnswerAsync(id, verdict, request.Scope, "terminal", context.RequestAborted)
            : new AnswerResult(AnswerOutcome.NotFound);
        switch (result.Outcome)
        {
            case AnswerOutcome.Done:
                await WriteAsync(context, new AskStatus(verdict == AskVerdict.Allow ? AskState.Allowed : AskState.Denied, request.Scope), AskJson.Default.AskStatus);
                break;
            case AnswerOutcome.NotFound:
                await UnknownAsync(context);
                break;
            case AnswerOutcome.AlreadyAnswered:
                await RefuseAsync(context, StatusCodes.Status409Conflict, "Answered already", result.Problem!);
                break;
            case AnswerOutcome.PolicyUnchanged:
                await RefuseAsync(context, StatusCodes.Status422UnprocessableEntity, "Policy unchanged", result.Problem!);
                break;
            default:
                await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Not recorded", result.Problem!);
                break;
        }
    }

    private async Task ListAsync(HttpContext context)
    {
        if (context.Request.Query["state"] is not ([] or ["waiting"]))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "Bad query", "state can only be waiting");
            return;
        }

        context.Response.ContentType = "application/x-ndjson";
        foreach (var ask in board.Waiting)
        {
            context.Response.BodyWriter.Write(JsonSerializer.SerializeToUtf8Bytes(ask, AskJson.Default.Ask));
            context.Response.BodyWriter.Write("\n"u8);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Each ask that begins to wait, as data; and, as event <c>gone</c>, the id of each that no longer does.</summary>
    private async Task StreamAsync(HttpContext context)
    {
        if (!_followers.Wait(0, CancellationToken.None))
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Too many followers", $"At most {MostFollowers} at a time.");
            return;
        }

        // Never disposed: who raises the change may be about to wake it when this ends, and nothing of it needs disposing.
        var changed = new HeadSignal();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        board.Changed += changed.Raise;
        try
        {
            await FollowAsync(context, changed, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The ordinary end.
        }
        finally
        {
            board.Changed -= changed.Raise;
            _followers.Release();
        }
    }

    private async Task FollowAsync(HttpContext context, HeadSignal changed, CancellationToken cancellationToken)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        var known = new HashSet<string>(StringComparer.Ordinal);
        await context.Response.Body.FlushAsync(cancellationToken);
        while (true)
        {
            var writer = context.Response.BodyWriter;
            var next = changed.Next;
            var waiting = board.Waiting;
            foreach (var ask in waiting.Where(ask => known.Add(ask.Id)))
            {
                writer.Write("data: "u8);
                writer.Write(JsonSerializer.SerializeToUtf8Bytes(ask, AskJson.Default.Ask));
                writer.Write("\n\n"u8);
            }

            foreach (var gone in known.Except(waiting.Select(ask => ask.Id)).ToList())
            {
                known.Remove(gone);
                writer.Write(System.Text.Encoding.ASCII.GetBytes($"event: gone\ndata: {gone}\n\n"));
            }

            await writer.FlushAsync(cancellationToken);
            await next.WaitAsync(s_heartbeat, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (!next.IsCompleted)
                writer.Write(":\n\n"u8);
        }
    }

    private static string? Id(HttpContext context) =>
        Guid.TryParseExact(context.Request.RouteValues["id"] as string, "D", out var id) ? id.ToString("D") : null;

    private static async Task<(T? Value, string? Problem)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        // Clients send JSON in chunks: the length is counted, not asked for.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MostBody;
        if (!context.Request.HasJsonContentType())
            return (null, "send application/json");
        try
        {
            return (await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted), null);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return (null, "the body is not the JSON that is expected here");
        }
    }

    private static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private static Task UnknownAsync(HttpContext context) =>
        RefuseAsync(context, StatusCodes.Status404NotFound, "No such ask", "It was answered or given up a while ago, or never was.");

    private static Task RefuseAsync(HttpContext context, int status, string title, string detail) =>
        Problem.WriteAsync(context.Response, status, title, detail, context.RequestAborted);

    public void Dispose() => _followers.Dispose();
}
