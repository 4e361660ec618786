using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.LogSink.Store;
using Microsoft.Net.Http.Headers;

namespace Gatehouse.LogSink.Ingest;

/// <summary><c>POST /events</c>: answers when the batch is on the disk.</summary>
internal sealed class EventIngest(EventWriter writer) : IDisposable
{
    /// <summary>More than the gates ever send at once, and few enough that their bodies (8 MiB each at most) fit in memory.</summary>
    public const int MostAtOnce = 16;

    /// <summary>A gate gives up on an answer after about as long.</summary>
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    public async Task HandleAsync(HttpContext context)
    {
        if (!IsNdjson(context.Request))
        {
            await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, "Not NDJSON", "Send application/x-ndjson, without content encoding.");
            return;
        }

        if (!await _slots.WaitAsync(s_wait, context.RequestAborted))
        {
            await UnavailableAsync(context, "Too many batches wait for the disk.");
            return;
        }

        try
        {
            await StoreAsync(context);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? "Batch too large" : "Request cut short", e.Message);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task StoreAsync(HttpContext context)
    {
        var (status, rows, problem) = await EventLines.ReadAsync(context.Request.BodyReader, context.RequestAborted);
        if (status == LinesStatus.Malformed)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "Malformed event", $"{problem}. Nothing of the batch was stored.");
            return;
        }

        if (status == LinesStatus.TooMuch)
        {
            await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, "Batch too large", $"{problem}. Nothing of the batch was stored.");
            return;
        }

        // Not cancelled with the request: the slot is held until the batch is out of the writer's queue.
        var outcome = await writer.StoreAsync(rows);
        if (outcome.Status == StoreStatus.Unavailable)
        {
            await UnavailableAsync(context, "The disk took nothing: it may be full. Send the batch again.");
            return;
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(
            context.Response.Body, new IngestAnswer(outcome.Stored, outcome.Duplicates), IngestJson.Default.IngestAnswer, context.RequestAborted);
    }

    // No form or plain text, the only types that a web page can send without asking first.
    private static bool IsNdjson(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)) && request.Headers.ContentEncoding.Count == 0;

    private static Task UnavailableAsync(HttpContext context, string detail)
    {
        context.Response.Headers.RetryAfter = "1";
        return RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Not stored", detail);
    }

    private static Task RefuseAsync(HttpContext context, int status, string title, string detail) =>
        Problem.WriteAsync(context.Response, status, title, detail, context.RequestAborted);

    public void Dispose() => _slots.Dispose();
}

internal sealed record IngestAnswer(int Stored, int Duplicates);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(IngestAnswer))]
internal sealed partial class IngestJson : JsonSerializerContext;
