using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Query;

/// <summary><c>GET /verify</c>: whether the chain is whole. One at a time: it reads everything.</summary>
internal sealed class VerifyEndpoint(EventStore store) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    public async Task HandleAsync(HttpContext context)
    {
        await _one.WaitAsync(context.RequestAborted);
        VerificationResult result;
        try
        {
            result = await Task.Run(() => new ChainVerification(store).Run(context.RequestAborted), context.RequestAborted);
        }
        finally
        {
            _one.Release();
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, result, VerificationJson.Default.VerificationResult, context.RequestAborted);
    }

    public void Dispose() => _one.Dispose();
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VerificationResult))]
internal sealed partial class VerificationJson : JsonSerializerContext;
