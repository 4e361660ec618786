using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Export;

/// <summary><c>GET /export?session=</c>: the record, or a session's part of it, as NDJSON that verifies by itself. A few at a time: each reads much.</summary>
internal sealed class ExportEndpoint(EventStore store, RecordExport export) : IDisposable
{
    private static readonly string[] s_parameters = ["session"];

    private readonly SemaphoreSlim _some = new(2);

    public async Task HandleAsync(HttpContext context)
    {
        if (EventQuery.TryParse(context.Request.Query, s_parameters, out var query) is { } problem)
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Bad query", problem, context.RequestAborted);
            return;
        }

        await _some.WaitAsync(context.RequestAborted);
        try
        {
            if (ExportRange.Find(store, query.Filter.Session) is not { } range)
            {
                await Problem.WriteAsync(context.Response, StatusCodes.Status404NotFound, "Nothing to export", "No such record is here.", context.RequestAborted);
                return;
            }

            context.Response.ContentType = "application/x-ndjson";
            await export.WriteAsync(context.Response.BodyWriter, range, query.Filter.Session, context.RequestAborted);
        }
        finally
        {
            _some.Release();
        }
    }

    public void Dispose() => _some.Dispose();
}
