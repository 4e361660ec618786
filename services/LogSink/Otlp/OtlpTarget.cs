using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using Gatehouse.LogSink.Forwarding;

namespace Gatehouse.LogSink.Otlp;

/// <summary>OTLP logs, over HTTP with protobuf (OTLP 1.x §OTLP/HTTP) or over gRPC, which is a POST over HTTP/2 with five bytes before the message.</summary>
internal sealed class OtlpTarget : IForwardTarget
{
    private const int MostAnswer = 64 * 1024;

    private readonly bool _grpc;
    private readonly Uri _url;
    private readonly ForwardOptions _options;
    private readonly LogsRequest _request;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public OtlpTarget(Uri url, ForwardOptions options, SslClientAuthenticationOptions tls, LogsRequest request, TimeProvider time)
    {
        (_options, _request, _time) = (options, request, time);
        _grpc = url.Scheme is "grpc" or "grpcs";
        var builder = new UriBuilder(url) { Scheme = url.Scheme is "http" or "grpc" ? "http" : "https" };
        if (_grpc)
            builder.Path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
        else if (builder.Path == "/")
            builder.Path = "/v1/logs";
        _url = builder.Uri;
        // Not the factory's clients: those repeat by themselves, find services by name and make spans.
        _http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 16,
            SslOptions = tls,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Clear() => _request.Clear();

    public int Add(EventRow row)
    {
        _request.Add(row);
        return _request.Length;
    }

    public async Task<ForwardOutcome> SendAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(_options.TimeoutSeconds));
        try
        {
            using var request = NewRequest();
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            var body = await ReadAsync(response, timeout.Token);
            return _grpc ? GrpcAnswer.Read(response, body) : FromHttp(response, body);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ForwardOutcome.Retry($"no answer in {_options.TimeoutSeconds} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            return ForwardOutcome.Retry(e.Message);
        }
    }

    private HttpRequestMessage NewRequest()
    {
        var message = _request.Finish();
        var request = new HttpRequestMessage(HttpMethod.Post, _url);
        if (_grpc)
        {
            var framed = new byte[message.Length + 5];
            BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
            message.Span.CopyTo(framed.AsSpan(5));
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            request.Headers.TE.Add(new("trailers"));
            request.Content = new ByteArrayContent(framed);
        }
        else
        {
            request.Content = new ReadOnlyMemoryContent(message);
        }

        request.Content.Headers.ContentType = new(_grpc ? "application/grpc" : "application/x-protobuf");
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Gatehouse", null));
        if (_options.HeadersFile is { } file)
            AddHeaders(request, File.ReadLines(file));
        return request;
    }

    // Read every time: a token that was renewed is used with the next batch. No value of it goes into a message.
    private static void AddHeaders(HttpRequestMessage request, IEnumerable<string> lines)
    {
        foreach (var line in lines.Where(line => line.Trim() is { Length: > 0 } and not ['#', ..]))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !request.Headers.TryAddWithoutValidation(line[..colon].Trim(), line[(colon + 1)..].Trim()))
                throw new HttpRequestException("a line of the HeadersFile is not 'Name: value'");
        }
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[MostAnswer];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer[..length];
    }

    private ForwardOutcome FromHttp(HttpResponseMessage response, byte[] body)
    {
        if (response.IsSuccessStatusCode)
            return PartialSuccess.Read(body);
        var said = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}");
        // What is wrong with these records, and what is wrong with where or as whom they are sent: the latter a person puts right. A 400 without a Status
        // (OTLP 1.x §OTLP/HTTP Response, Failures) is of somebody who does not speak OTLP: a TLS port that was sent plain HTTP, a proxy.
        return (int)response.StatusCode == 413 || ((int)response.StatusCode is 400 or 422 && HasStatus(response))
            ? ForwardOutcome.Rejected(said)
            : ForwardOutcome.Retry(said, RetryAfter(response));
    }

    private static bool HasStatus(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is { } type
        && (type.Equals("application/x-protobuf", StringComparison.OrdinalIgnoreCase) || type.Equals("application/json", StringComparison.OrdinalIgnoreCase));

    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not { } after ? null : after.Delta ?? after.Date - _time.GetUtcNow();

    public void Dispose() => _http.Dispose();
}
