using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// OTLP over gRPC (opentelemetry-proto 1.x, <c>collector/*/v1</c>) at an address of its own, <c>LogSink:OtlpGrpc</c>: without TLS a connection is HTTP/2 or
/// HTTP/1.1 from its first byte on. One method with one message each way needs no more than the five bytes before a message ("gRPC over HTTP2", Length-Prefixed-Message).
/// </summary>
internal sealed class GrpcEndpoints(SpanIntake intake)
{
    public const string Key = "LogSink:OtlpGrpc";

    private const int Prefix = 5;

    private static readonly string s_tooLarge = string.Create(CultureInfo.InvariantCulture, $"at most {OtlpBody.Most} bytes");

    private enum Status
    {
        Ok = 0,
        InvalidArgument = 3,
        ResourceExhausted = 8,
        Unimplemented = 12,
        Unavailable = 14,
    }

    /// <summary>Adds the address to those of the sink.</summary>
    /// <exception cref="OptionsValidationException">It is no address to listen on.</exception>
    public static void Listen(WebApplicationBuilder builder)
    {
        if (builder.Configuration[Key] is not { Length: > 0 } address)
            return;
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.Port == 0 || url.PathAndQuery != "/")
            throw Invalid($"{Key} is '{address}': write http://127.0.0.1:4317, an address of its own for gRPC");
        var others = builder.Configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls ? urls : "http://localhost:5000";
        if (others.Split(';').Any(other => BindingAddress.Parse(other).Port == url.Port))
            throw Invalid($"{Key} is '{address}', and so is where the sink speaks HTTP/1.1: give gRPC a port of its own");
        builder.WebHost.UseUrls([.. others.Split(';'), address]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint =>
        {
            if (endpoint.EndPoint is IPEndPoint at && at.Port == url.Port)
                endpoint.Protocols = HttpProtocols.Http2;
        }));
    }

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", context => HandleAsync(context, intake.Take));
        endpoints.MapPost("/opentelemetry.proto.collector.logs.v1.LogsService/Export", context => HandleAsync(context, static _ => SpanIntake.Dropped));
        endpoints.MapPost("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", context => HandleAsync(context, static _ => SpanIntake.Dropped));
    }

    private static OptionsValidationException Invalid(string problem) => new(Key, typeof(LogSinkOptions), [problem]);

    private async Task HandleAsync(HttpContext context, Take take)
    {
        var request = context.Request;
        if (request.ContentType is not ("application/grpc" or "application/grpc+proto") || request.Protocol != HttpProtocol.Http2)
        {
            await Problem.WriteAsync(
                context.Response, StatusCodes.Status415UnsupportedMediaType, "Not gRPC", $"Send application/grpc over HTTP/2, to the address of {Key}.", context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/grpc";
        if (!await intake.TryEnterAsync(context.RequestAborted))
        {
            Refuse(context.Response, Status.Unavailable, "too many requests at a time");
            return;
        }

        try
        {
            await TakeAsync(context, take);
        }
        finally
        {
            intake.Leave();
        }
    }

    private static async Task TakeAsync(HttpContext context, Take take)
    {
        var request = context.Request;
        var body = await OtlpBody.ReadAsync(request.Body, request.ContentLength, context.RequestAborted);
        var (status, said) = Unwrap(body, request.Headers["grpc-encoding"], out var message);
        if (status != Status.Ok)
            Refuse(context.Response, status, said);
        else if (take(message.Span) is { } answer)
            await AnswerAsync(context, answer);
        else
            Refuse(context.Response, Status.InvalidArgument, "not a request of OTLP");
    }

    private static (Status Status, string Said) Unwrap(ReadOnlyMemory<byte>? body, string? encoding, out ReadOnlyMemory<byte> message)
    {
        message = default;
        if (body is not { } framed)
            return (Status.ResourceExhausted, s_tooLarge);
        if (framed.Length < Prefix || BinaryPrimitives.ReadUInt32BigEndian(framed.Span[1..]) != framed.Length - Prefix || framed.Span[0] > 1)
            return (Status.InvalidArgument, "not one message of the length that its prefix says");
        message = framed[Prefix..];
        if (framed.Span[0] == 0)
            return (Status.Ok, "");
        if (encoding != "gzip")
            return (Status.Unimplemented, "compress with gzip, or not at all");
        if (!OtlpBody.TryInflate(message, out var inflated))
            return (Status.InvalidArgument, "not gzip");
        message = inflated ?? default;
        return inflated is null ? (Status.ResourceExhausted, s_tooLarge) : (Status.Ok, "");
    }

    // Without a body, trailers are headers ("gRPC over HTTP2", Trailers-Only).
    private static void Refuse(HttpResponse response, Status status, string said)
    {
        response.Headers["grpc-status"] = ((int)status).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = said;
        response.Headers["grpc-accept-encoding"] = "gzip";
    }

    private static async Task AnswerAsync(HttpContext context, ReadOnlyMemory<byte> answer)
    {
        var framed = new byte[Prefix + answer.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), answer.Length);
        answer.CopyTo(framed.AsMemory(Prefix));
        await context.Response.Body.WriteAsync(framed, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private delegate ReadOnlyMemory<byte>? Take(ReadOnlySpan<byte> request);
}
