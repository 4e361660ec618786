using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Gatehouse.LogSink.Access;

/// <summary>
/// Lets in the holder of the token, and no browser: a page anywhere can make one speak to loopback, under its own name (DNS rebinding) or
/// as a cross-site request.
/// </summary>
internal sealed partial class RequestGuard
{
    private const string Scheme = "Bearer ";

    private readonly RequestDelegate _next;
    private readonly ILogger _log;
    private readonly bool _allowRemote;
    private readonly byte[] _token;

    public RequestGuard(RequestDelegate next, IOptions<LogSinkOptions> options, ILogger<RequestGuard> log)
    {
        _next = next;
        _log = log;
        _allowRemote = options.Value.AllowRemote;
        _token = Digest(options.Value.Token);
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HostRules.IsOurs(request.Host, _allowRemote))
            return RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, "Wrong host", "Address the log sink as 127.0.0.1, localhost or log-sink.");
        if (request.Headers.ContainsKey("Origin"))
            return RefuseAsync(context, StatusCodes.Status403Forbidden, "No browsers", "The log sink takes no requests from web pages.");
        if (IsProbe(request.Path) || HasToken(request.Headers.Authorization))
            return _next(context);
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return RefuseAsync(context, StatusCodes.Status401Unauthorized, "Token required", "Send 'Authorization: Bearer …' with the token of this installation.");
    }

    private static bool IsProbe(PathString path) => path == "/health" || path == "/alive";

    private bool HasToken(StringValues authorization) =>
        authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Digest(value[Scheme.Length..]), _token);

    // Of one length, whatever was sent.
    private static byte[] Digest(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private Task RefuseAsync(HttpContext context, int status, string title, string detail)
    {
        Log.Refused(_log, title, context.Request.Host.Value ?? "", context.Request.Path.Value ?? "");
        return Problem.WriteAsync(context.Response, status, title, detail, context.RequestAborted);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Refused a request ({Title}) to host '{Host}', path '{Path}'")]
        public static partial void Refused(ILogger log, string title, string host, string path);
    }
}
