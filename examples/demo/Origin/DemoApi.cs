using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Gatehouse.DemoOrigin;

/// <summary>An API that wants a key in <c>x-api-key</c>, as a model's API does.</summary>
internal static class DemoApi
{
    public static void MapApi(this WebApplication app, int port, string key)
    {
        var api = app.MapGroup("/v1").RequireHost($"*:{port}");
        api.AddEndpointFilter(async (context, next) =>
            HasKey(context.HttpContext.Request, key) ? await next(context) : Answer(401, """{"authenticated":false}"""));
        api.MapGet("/whoami", () => Answer(200, """{"authenticated":true}"""));
        api.MapPost("/messages", () => Answer(200, """{"type":"message","role":"assistant","content":[{"type":"text","text":"pong"}]}"""));
        // Names alone: what arrives can be looked at without showing a key.
        api.MapGet("/echo-headers", (HttpRequest request) =>
            Answer(200, $"[{string.Join(',', request.Headers.Keys.Select(name => $"\"{JsonEncodedText.Encode(name)}\""))}]"));
    }

    private static bool HasKey(HttpRequest request, string key) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Headers["x-api-key"].ToString()), Encoding.UTF8.GetBytes(key));

    private static IResult Answer(int status, string json) => Results.Text(json + "\n", "application/json", statusCode: status);
}
