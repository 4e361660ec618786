using System.Buffers;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Query;

/// <summary><c>GET /events</c>: a page of the record as NDJSON.</summary>
internal sealed class EventsEndpoint(EventStore store)
{
    /// <summary>Records read at a time, so that neither memory nor the database waits for a slow reader.</summary>
    private const int Page = 100;

    private static readonly string[] s_parameters = ["session", "gate", "verdict", "name", "after", "before", "limit", "order"];

    public async Task HandleAsync(HttpContext context)
    {
        if (EventQuery.TryParse(context.Request.Query, s_parameters, out var query) is { } problem)
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Bad query", problem, context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/x-ndjson";
        using var lines = new EventLineWriter();
        var (after, before, left) = (query.After ?? long.MinValue, query.Before, query.Limit);
        while (left > 0)
        {
            var (rows, more) = query.Filter.Read(store.Database, after, before, query.NewestFirst, Math.Min(left, Page), context.RequestAborted);
            foreach (var row in rows)
            {
                lines.Write(context.Response.BodyWriter, row);
                context.Response.BodyWriter.Write("\n"u8);
            }

            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            left -= rows.Count;
            if (!more)
                break;
            if (query.NewestFirst)
                before = rows[^1].Sequence;
            else
                after = rows[^1].Sequence;
        }
    }
}
