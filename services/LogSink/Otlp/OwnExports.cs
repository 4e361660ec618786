namespace Gatehouse.LogSink.Otlp;

/// <summary>Whether the sink would export its telemetry to itself.</summary>
internal static class OwnExports
{
    /// <summary>Where telemetry goes.</summary>
    public const string Key = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static bool AreOf(IConfiguration configuration) =>
        Uri.TryCreate(configuration[Key], UriKind.Absolute, out var to)
        && (to.Host == "log-sink" || IsOneOf(configuration[WebHostDefaults.ServerUrlsKey], to) || IsOneOf(configuration[GrpcEndpoints.Key], to));

    /// <param name="urls">Where the sink listens, divided by semicolons.</param>
    /// <param name="to">Where telemetry goes.</param>
    private static bool IsOneOf(string? urls, Uri to) => (urls ?? "").Split(';').Any(url =>
        Uri.TryCreate(url.Replace("+", "localhost", StringComparison.Ordinal).Replace("*", "localhost", StringComparison.Ordinal), UriKind.Absolute, out var own)
        && own.Port == to.Port && (to.IsLoopback || to.Host == own.Host));
}
