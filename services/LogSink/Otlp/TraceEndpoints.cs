using System.Text.Json;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// <c>POST /v1/traces</c> (OTLP over HTTP with protobuf) where a collector would be, and <c>GET /sessions/{id}/trace</c>. Logs and metrics are taken and
/// dropped with a word of warning, so that an exporter of all three does not fail for ever.
/// </summary>
internal sealed class TraceEndpoints(SpanStore store)
{
    /// <summary>The default of gRPC servers, and so of what exporters keep to.</summary>
    private const int MostBody = 4 << 20;

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/v1/traces", TakeAsync);
        endpoints.MapPost("/v1/logs", DropAsync);
        endpoints.MapPost("/v1/metrics", DropAsync);
        endpoints.MapGet("/sessions/{session}/trace", ShowAsync);
    }

    private async Task TakeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentType != "application/x-protobuf" || request.Headers.ContentEncoding.Count > 0)
        {
            await Problem.WriteAsync(
                context.Response, StatusCodes.Status415UnsupportedMediaType, "Not OTLP", "Send application/x-protobuf, without content encoding.", context.RequestAborted);
            return;
        }

        var body = new byte[Math.Min(request.ContentLength ?? MostBody, MostBody) + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        if (length > MostBody || (length == body.Length && request.ContentLength != length))
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status413PayloadTooLarge, "Too large", $"At most {MostBody} bytes.", context.RequestAborted);
            return;
        }

        var spans = new List<SpanRow>();
        if (!SpanReader.TryRead(body.AsSpan(0, length), spans))
        {
            await Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Not OTLP", "The body is no ExportTraceServiceRequest.", context.RequestAborted);
            return;
        }

        var refused = spans.Count == 0 ? 0 : store.Add(spans);
        await AnswerAsync(context, refused, refused == 0 ? null : $"a trace has at most {SpanStore.MostPerTrace} spans");
    }

    private static Task DropAsync(HttpContext context) => AnswerAsync(context, 0, "the log sink keeps traces only");

    private static async Task AnswerAsync(HttpContext context, int refused, string? message)
    {
        var answer = new ProtoWriter();
        if (message is not null)
        {
            answer.Message(1, (refused, message), static (partial, each) =>
            {
                partial.Number(1, (ulong)each.refused);
                partial.Text(2, each.message);
            });
        }

        context.Response.ContentType = "application/x-protobuf";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer.Written, context.RequestAborted);
    }

    private async Task ShowAsync(HttpContext context)
    {
        var spans = store.Of((string)context.Request.RouteValues["session"]!);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.Body);
        json.WriteStartArray();
        foreach (var span in spans)
        {
            json.WriteStartObject();
            json.WriteString("trace", span.Trace);
            json.WriteString("span", span.Span);
            if (span.Parent is not null)
                json.WriteString("parent", span.Parent);
            json.WriteString("service", span.Service);
            json.WriteString("name", span.Name);
            json.WriteNumber("kind", span.Kind);
            json.WriteNumber("startNanoseconds", span.Start);
            json.WriteNumber("endNanoseconds", span.End);
            // 2: STATUS_CODE_ERROR.
            json.WriteBoolean("error", span.Status == 2);
            if (span.Message is not null)
                json.WriteString("message", span.Message);
            json.WritePropertyName("attributes");
            json.WriteRawValue(span.Attributes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        await json.FlushAsync(context.RequestAborted);
    }
}
