using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Upstream;

namespace Gatehouse.EgressProxy.Answers;

/// <summary>
/// What the agent is told (RFC 9457). Short and stable; made of parsed values only, so that nothing the agent wrote comes back as it
/// wrote it:
/// <code>{"type":"urn:gatehouse:egress:name-not-allowed","title":"Denied","status":403,"detail":"no rule names evil.test",
/// "host":"evil.test:443","ask":"Ask your human to add `- host: evil.test` to egress.allow in gatehouse.yaml."}</code>
/// </summary>
internal sealed record Problem(string Type, string Title, int Status, string Detail, string Host, string? Rule, string? Ask)
{
    public const string MediaType = "application/problem+json";

    private const string TypePrefix = "urn:gatehouse:egress:";

    public static Problem Of(in Decision decision, in Attempt attempt) => new(
        TypePrefix + DenialText.Word(decision.Denial), "Denied", DenialText.Status(decision.Denial), decision.Verdict.Reason,
        attempt.To.ToString(), decision.Verdict.Rule, DenialText.Ask(decision.Denial, attempt.To));

    public static Problem Of(UpstreamFailure failure, Destination to) => new(
        TypePrefix + UpstreamFailureText.Word(failure), "Not reached", UpstreamFailureText.Status(failure), UpstreamFailureText.Reason(failure),
        to.ToString(), null, null);

    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, ProblemJson.Readable.Problem);
}

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext
{
    /// <summary>Quotes as they are: people and models read these bodies as text, and no browser takes them for HTML.</summary>
    public static ProblemJson Readable { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
