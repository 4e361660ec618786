using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.LogSink.Chain;

namespace Gatehouse.LogSink.Query;

/// <summary><c>GET /verify</c>: whether the chain is whole.</summary>
internal sealed class VerifyEndpoint(Verifications verifications)
{
    public async Task HandleAsync(HttpContext context)
    {
        var result = await verifications.RunAsync(context.RequestAborted);
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, result, VerificationJson.Default.VerificationResult, context.RequestAborted);
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VerificationResult))]
internal sealed partial class VerificationJson : JsonSerializerContext;
