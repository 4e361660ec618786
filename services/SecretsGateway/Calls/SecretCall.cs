using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>One request of the agent, as it came: nothing decoded yet.</summary>
/// <param name="Host">The Host header.</param>
/// <param name="Method">As sent.</param>
/// <param name="Path">Everything before the question mark.</param>
/// <param name="Query">With its question mark; empty when there is none.</param>
/// <param name="Headers">All of them.</param>
internal sealed record SecretCall(string Host, string Method, string Path, string Query, IHeaderDictionary Headers)
{
    public static SecretCall Of(HttpContext context)
    {
        // Kestrel decodes the path it offers; what is checked must be what was sent.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = target.IndexOf('?', StringComparison.Ordinal);
        return new(context.Request.Host.Value ?? "", context.Request.Method, question < 0 ? target : target[..question], question < 0 ? "" : target[question..], context.Request.Headers);
    }
}
