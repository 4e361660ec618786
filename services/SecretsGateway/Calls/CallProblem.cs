using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>
/// What the agent is told (RFC 9457). Short and stable; nothing that it wrote comes back in it:
/// <code>{"type":"urn:gatehouse:secrets:method-not-allowed","title":"Denied","status":403,"detail":"no rule of the secret anthropic
/// allows the method","secret":"anthropic","ask":"Ask your human to allow the call under the secret anthropic in gatehouse.yaml."}</code>
/// </summary>
internal sealed record CallProblem(string Type, string Title, int Status, string Detail, string? Secret, string Ask)
{
    private const string TypePrefix = "urn:gatehouse:secrets:";

    public static CallProblem Denied(CallDenial denial, string? secret) => new(
        TypePrefix + CallAnswers.Word(denial), "Denied", CallAnswers.Status(denial), CallAnswers.Reason(denial, secret), secret,
        CallAnswers.Ask(denial, secret));

    public static CallProblem Failed(string word, int status, string reason, string secret) =>
        new(TypePrefix + word, "Not answered", status, reason, secret, "Try again, or ask your human to look at `gatehouse log`.");

    public Task WriteAsync(HttpContext context)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(this, CallProblemJson.Default.CallProblem);
        context.Response.Clear();
        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/problem+json";
        context.Response.ContentLength = body.Length;
        context.Response.Headers.CacheControl = "no-store";
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CallProblem))]
internal sealed partial class CallProblemJson : JsonSerializerContext;
