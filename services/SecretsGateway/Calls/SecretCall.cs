using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>One request of the agent, as it came: nothing decoded yet.</summary>
/// <param name="Host">The Host header.</param>
/// <param name="Method">As sent.</param>
/// <param name="Path">Everything before the question mark; does not begin with a slash when the target was not in origin-form.</param>
/// <param name="Query">With its question mark; empty when there is none.</param>
/// <param name="Headers">All of them.</param>
internal sealed record SecretCall(string Host, string Method, string Path, string Query, IHeaderDictionary Headers)
{
    public static SecretCall Of(HttpContext context)
    {
        // Kestrel decodes the path it offers; what is checked must be what was sent.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = target.IndexOf('?', StringComparison.Ordinal);
        var (path, query) = question < 0 ? (target, "") : (target[..question], target[question..]);
        return new(context.Request.Host.Value ?? "", context.Request.Method, path, query.Length > 1 ? query : "", context.Request.Headers);
    }
}
