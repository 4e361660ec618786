using System.Text.Json;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// <c>POST /v1/traces</c> (OTLP over HTTP with protobuf) where a collector would be, and <c>GET /sessions/{id}/trace</c>. Logs and metrics are taken and
/// dropped with a word of warning, so that an exporter of all three does not fail for ever.
/// </summary>
internal sealed class TraceEndpoints(SpanIntake intake, SpanStore store)
{
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
        var encoding = request.Headers.ContentEncoding;
        if (request.ContentType != "application/x-protobuf" || encoding is not ([] or ["gzip"] or ["identity"]))
        {
            await Problem.WriteAsync(
                context.Response, StatusCodes.Status415UnsupportedMediaType, "Not OTLP", "Send application/x-protobuf, as it is or with gzip.", context.RequestAborted);
            return;
        }

        if (!await intake.TryEnterAsync(context.RequestAborted))
        {
            context.Response.Headers.RetryAfter = "1";
            await Problem.WriteAsync(context.Response, StatusCodes.Status503ServiceUnavailable, "Not taken", "Too many requests at a time.", context.RequestAborted);
            return;
        }

        try
        {
            await KeepAsync(context, encoding is ["gzip"]);
        }
        finally
        {
            intake.Leave();
        }
    }

    private async Task KeepAsync(HttpContext context, bool isZipped)
    {
        var request = context.Request;
        var body = await OtlpBody.ReadAsync(request.Body, request.ContentLength, context.RequestAborted);
        if (body is not null && isZipped && !OtlpBody.TryInflate(body.Value, out body))
        {
            await RefuseAsync(context);
            return;
        }

        if (body is null)
            await Problem.WriteAsync(context.Response, StatusCodes.Status413PayloadTooLarge, "Too large", $"At most {OtlpBody.Most} bytes.", context.RequestAborted);
        else if (intake.Take(body.Value.Span) is { } answer)
            await AnswerAsync(context, answer);
        else
            await RefuseAsync(context);
    }

    private static Task RefuseAsync(HttpContext context) =>
        Problem.WriteAsync(context.Response, StatusCodes.Status400BadRequest, "Not OTLP", "The body is no ExportTraceServiceRequest.", context.RequestAborted);

    private static Task DropAsync(HttpContext context) => AnswerAsync(context, SpanIntake.Dropped);

    private static async Task AnswerAsync(HttpContext context, ReadOnlyMemory<byte> answer)
    {
        context.Response.ContentType = "application/x-protobuf";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
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
