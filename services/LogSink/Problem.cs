using System.Buffers;
using System.Text.Json;

namespace Gatehouse.LogSink;

/// <summary>Refusals as RFC 9457 problem details.</summary>
internal static class Problem
{
    public const string ContentType = "application/problem+json";

    /// <param name="response">Not started yet.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="title">What kind of refusal, always the same words.</param>
    /// <param name="detail">What was wrong this time, and what to do.</param>
    /// <param name="cancellationToken">Ends the write.</param>
    public static async Task WriteAsync(HttpResponse response, int status, string title, string detail, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteNumber("status", status);
            json.WriteString("title", title);
            json.WriteString("detail", detail);
            json.WriteEndObject();
        }

        response.StatusCode = status;
        response.ContentType = ContentType;
        response.ContentLength = body.WrittenCount;
        await response.Body.WriteAsync(body.WrittenMemory, cancellationToken);
    }
}
