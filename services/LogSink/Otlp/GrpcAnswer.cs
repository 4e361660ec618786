using System.Globalization;
using System.Net;
using Gatehouse.LogSink.Forwarding;

namespace Gatehouse.LogSink.Otlp;

/// <summary>The outcome of a gRPC call: <c>grpc-status</c> in the trailers, or in the header when there is no body ("gRPC over HTTP2").</summary>
internal static class GrpcAnswer
{
    private const int InvalidArgument = 3, ResourceExhausted = 8;

    public static ForwardOutcome Read(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        if (response.StatusCode == HttpStatusCode.RequestEntityTooLarge)
            return ForwardOutcome.Rejected("HTTP 413");
        if (response.StatusCode != HttpStatusCode.OK)
            return ForwardOutcome.Retry(string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}"));
        var status = Value(response, "grpc-status");
        if (status == "0")
        {
            // No answer of ours is compressed: no such encoding was offered.
            return body.Length > 5 && body[0] == 0 ? PartialSuccess.Read(body[5..]) : ForwardOutcome.Accepted;
        }

        var said = $"gRPC status {ForwardOutcome.Short(status ?? "missing")} {ForwardOutcome.Short(Uri.UnescapeDataString(Value(response, "grpc-message") ?? ""))}";
        if (!int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            return ForwardOutcome.Retry(said);
        if (code == InvalidArgument)
            return ForwardOutcome.Rejected(said);
        var delay = RetryDelay(Value(response, "grpc-status-details-bin"));
        // With a delay it is busy (OTLP 1.x §OTLP/gRPC Throttling). Without, it may be a message larger than what the server takes.
        return code == ResourceExhausted && delay is null ? ForwardOutcome.TooLarge(said) : ForwardOutcome.Retry(said, delay);
    }

    // google.rpc.Status { details = 3: Any { value = 2: RetryInfo { retry_delay = 1: Duration { seconds = 1, nanos = 2 } } } }
    private static TimeSpan? RetryDelay(string? details)
    {
        if (details is null || !TryDecode(details, out var bytes))
            return null;
        var status = new ProtoReader(bytes);
        while (status.TryReadField())
        {
            if (status.Field != 3)
                continue;
            var isRetry = false;
            ReadOnlySpan<byte> info = default;
            var any = new ProtoReader(status.Bytes);
            while (any.TryReadField())
            {
                if (any.Field == 1)
                    isRetry = any.Text.EndsWith("/google.rpc.RetryInfo", StringComparison.Ordinal);
                else if (any.Field == 2)
                    info = any.Bytes;
            }

            var retry = new ProtoReader(info);
            if (!isRetry || !retry.TryReadField() || retry.Field != 1)
                continue;
            var delay = new ProtoReader(retry.Bytes);
            return delay.TryReadField() && delay.Field == 1 ? TimeSpan.FromSeconds(Math.Min(delay.Value, 86_400)) : null;
        }

        return null;
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        // Base64, with or without its padding.
        var isOne = Convert.TryFromBase64String(text.TrimEnd('=').PadRight((text.TrimEnd('=').Length + 3) / 4 * 4, '='), bytes, out var length);
        bytes = bytes[..length];
        return isOne;
    }

    private static string? Value(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;
}
