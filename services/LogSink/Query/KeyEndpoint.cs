using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Query;

/// <summary><c>GET /key</c>: the public key under which checkpoints and exports are verified elsewhere.</summary>
internal sealed class KeyEndpoint(EventStore store)
{
    public Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        var key = new PublishedKey("Ed25519", Convert.ToBase64String(store.Key.PublicKey));
        return JsonSerializer.SerializeAsync(context.Response.Body, key, KeyJson.Default.PublishedKey, context.RequestAborted);
    }
}

/// <param name="Algorithm">Ed25519.</param>
/// <param name="PublicKey">32 bytes in base64.</param>
internal sealed record PublishedKey(string Algorithm, string PublicKey);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PublishedKey))]
internal sealed partial class KeyJson : JsonSerializerContext;
