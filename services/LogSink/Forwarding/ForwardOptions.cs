namespace Gatehouse.LogSink.Forwarding;

/// <summary>Configuration <c>LogSink:Forward:NAME:*</c>: one place that the record is sent on to.</summary>
internal sealed class ForwardOptions
{
    /// <summary>
    /// What <see cref="Url"/> may begin with: <c>http</c>, <c>https</c> (OTLP over HTTP), <c>grpc</c>, <c>grpcs</c> (OTLP over gRPC), <c>syslog</c> (RFC 6587
    /// octet counting over TCP), <c>syslogs</c> (RFC 5425).
    /// </summary>
    public static readonly string[] Schemes = ["http", "https", "grpc", "grpcs", "syslog", "syslogs"];

    /// <summary>Where: <c>http://127.0.0.1:4318/v1/logs</c>, <c>grpc://collector:4317</c>, <c>syslogs://logs.example.com:6514</c>.</summary>
    public string Url { get; set; } = "";

    /// <summary>A file with header lines (<c>Authorization: Bearer …</c>), read for every request, so that a renewed token is used; never logged.</summary>
    public string? HeadersFile { get; set; }

    /// <summary>PEM certificates to trust in place of the system's.</summary>
    public string? CaFile { get; set; }

    /// <summary>Records in one request: the batch processor's default of OpenTelemetry.</summary>
    public int BatchRecords { get; set; } = 512;

    /// <summary>Bytes of records in one request: collectors take 4 MiB (the default of gRPC servers). One record alone may be larger.</summary>
    public int BatchBytes { get; set; } = 1 << 20;

    /// <summary>One request, and its answer.</summary>
    public int TimeoutSeconds { get; set; } = 10;

    /// <summary>Bytes of one syslog message: rsyslog's default; receivers must take 2,048 (RFC 5425 §4.3.1).</summary>
    public int SyslogBytes { get; set; } = 8_192;

    public static void Validate(string name, ForwardOptions options, List<string> problems)
    {
        var key = $"LogSink:Forward:{name}";
        if (name.Length is 0 or > 32 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '-'))
            problems.Add($"{key}: the name is part of a file's; use at most 32 letters, digits and '-'");
        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out var url) || !Schemes.Contains(url.Scheme) || url.Host.Length == 0)
            problems.Add($"{key}:Url is not one that the record can be sent to: write {string.Join(", ", Schemes)}://host:port");
        else if (url.UserInfo.Length > 0)
            problems.Add($"{key}:Url has a user or password in it: put an Authorization line in {key}:HeadersFile");
        else if (url.Scheme is not ("http" or "https") && url.Port <= 0)
            problems.Add($"{key}:Url has no port: OTLP over gRPC has 4317, syslog 601, syslog over TLS 6514");
        foreach (var (member, file) in new[] { ("HeadersFile", options.HeadersFile), ("CaFile", options.CaFile) })
        {
            if (file is not null && !File.Exists(file))
                problems.Add($"{key}:{member} is '{file}': there is no such file");
        }

        Range(nameof(BatchRecords), options.BatchRecords, 1, 10_000);
        Range(nameof(BatchBytes), options.BatchBytes, 1_024, 64 << 20);
        Range(nameof(TimeoutSeconds), options.TimeoutSeconds, 1, 300);
        Range(nameof(SyslogBytes), options.SyslogBytes, 1_024, 65_536);

        void Range(string member, int value, int least, int most)
        {
            if (value < least || value > most)
                problems.Add($"{key}:{member} is {value}: write {least} to {most}");
        }
    }
}
