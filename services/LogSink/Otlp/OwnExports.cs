namespace Gatehouse.LogSink.Otlp;

/// <summary>Whether the sink would export its telemetry to itself.</summary>
internal static class OwnExports
{
    /// <param name="endpoint"><c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</param>
    /// <param name="urls">Where the sink listens, divided by semicolons.</param>
    public static bool GoTo(string? endpoint, string? urls) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out var to)
        && (to.Host == "log-sink" || (urls ?? "").Split(';').Any(url => Uri.TryCreate(url.Replace("+", "localhost", StringComparison.Ordinal).Replace("*", "localhost", StringComparison.Ordinal), UriKind.Absolute, out var own)
            && own.Port == to.Port && (to.IsLoopback || to.Host == own.Host)));
}
