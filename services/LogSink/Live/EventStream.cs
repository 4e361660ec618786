using System.Buffers;
using System.Globalization;
using System.Text;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Live;

/// <summary>
/// <c>GET /events/stream</c>: server-sent events (WHATWG HTML §9.2), from <c>after</c> or the <c>Last-Event-ID</c> of a client that comes back,
/// else from now on.
/// </summary>
internal sealed class EventStream(EventStore store, TimeProvider time, IHostApplicationLifetime lifetime) : IDisposable
{
    /// <summary>Followers at a time: people at terminals and pages, each with a connection to the database now and then.</summary>
    public const int MostFollowers = 64;

    private const int Page = 100;

    /// <summary>A proxy or a sleeping laptop cuts a connection that is silent for longer.</summary>
    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    private static readonly string[] s_parameters = ["session", "gate", "verdict", "name", "after"];

    private readonly SemaphoreSlim _followers = new(MostFollowers);

    public async Task HandleAsync(HttpContext context)
    {
        if (EventQuery.TryParse(context.Request.Query, s_parameters, out var query) is { } problem)
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Bad query", problem, context.RequestAborted);
            return;
        }

        if (!_followers.Wait(0, CancellationToken.None))
        {
            await Problem.WriteAsync(
                context.Response, StatusCodes.Status503ServiceUnavailable, "Too many followers", $"At most {MostFollowers} at a time.", context.RequestAborted);
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await FollowAsync(context, query, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The ordinary end.
        }
        finally
        {
            _followers.Release();
        }
    }

    private async Task FollowAsync(HttpContext context, EventQuery query, CancellationToken cancellationToken)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        var cursor = LastEventId(context.Request) ?? query.After ?? store.Head.Sequence;
        // The header tells the follower that it is connected.
        await context.Response.Body.FlushAsync(cancellationToken);
        using var lines = new EventLineWriter();
        var heartbeat = Task.Delay(s_heartbeat, time, cancellationToken);
        while (true)
        {
            var changed = store.Changed.Next;
            cursor = await CatchUpAsync(context, query.Filter, cursor, lines, cancellationToken);
            if (await Task.WhenAny(changed, heartbeat) != heartbeat)
                continue;
            cancellationToken.ThrowIfCancellationRequested();
            heartbeat = Task.Delay(s_heartbeat, time, cancellationToken);
            context.Response.BodyWriter.Write(":\n\n"u8);
            await context.Response.BodyWriter.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Sends what there is, a page at a time; nothing is held of the database while the follower reads.</summary>
    /// <returns>The sequence up to which everything that was asked for is sent.</returns>
    private async Task<long> CatchUpAsync(HttpContext context, EventFilter filter, long cursor, EventLineWriter lines, CancellationToken cancellationToken)
    {
        while (true)
        {
            var head = store.Head.Sequence;
            if (head <= cursor)
                return cursor;
            var (rows, more) = filter.Read(store.Database, cursor, head + 1, newestFirst: false, Page, cancellationToken);
            foreach (var row in rows)
            {
                context.Response.BodyWriter.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {row.Sequence}\ndata: ")));
                lines.Write(context.Response.BodyWriter, row);
                context.Response.BodyWriter.Write("\n\n"u8);
            }

            if (rows.Count > 0)
                await context.Response.BodyWriter.FlushAsync(cancellationToken);
            cursor = more ? rows[^1].Sequence : head;
        }
    }

    private static long? LastEventId(HttpRequest request) =>
        long.TryParse(request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    public void Dispose() => _followers.Dispose();
}
