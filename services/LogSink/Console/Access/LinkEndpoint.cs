using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.LogSink.Console.Access;

/// <summary><c>POST /console/links</c>, with the token: <c>{"path": "/console/sign-in?key=…", "seconds": 300}</c>, relative to the sink's address.</summary>
internal sealed class LinkEndpoint(ConsoleAccess access)
{
    public Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        var link = new ConsoleLink($"{ConsoleGate.SignIn}?key={access.CreateLink()}", (int)ConsoleAccess.LinkLives.TotalSeconds);
        return JsonSerializer.SerializeAsync(context.Response.Body, link, ConsoleLinkJson.Default.ConsoleLink, context.RequestAborted);
    }
}

/// <param name="Path">Relative to the sink's address.</param>
/// <param name="Seconds">How long it works, if nobody uses it.</param>
internal sealed record ConsoleLink(string Path, int Seconds);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ConsoleLink))]
internal sealed partial class ConsoleLinkJson : JsonSerializerContext;
