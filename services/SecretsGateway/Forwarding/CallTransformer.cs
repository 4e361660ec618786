using Gatehouse.Policy.Secrets;
using Gatehouse.SecretsGateway.Credentials;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// Turns the agent's request into the call that was checked: its path and query exactly, without whatever the agent sent in the places
/// where credentials stand, with the real one; and makes the answer harmless on its way back.
/// </summary>
internal sealed class CallTransformer(SecretPolicy secret, string path, string query, SecretValue credential) : HttpTransformer
{
    // The path was checked in this form: nothing may decode or resolve it again.
    private readonly Uri _target = new(
        secret.Upstream.GetLeftPart(UriPartial.Authority) + secret.Upstream.AbsolutePath.TrimEnd('/') + path + query,
        new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    /// <summary>What was taken out of the answer's header fields.</summary>
    public PrunedHeaders Pruned { get; private set; } = new([], []);

    /// <summary>The answer is not passed on: this encoding of it hides what is in it.</summary>
    public string? Hidden { get; private set; }

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = _target;
        AgentHeaders.Strip(proxyRequest.Headers, secret.Inject.Header);
        if (proxyRequest.Content is { } content)
            AgentHeaders.Strip(content.Headers, secret.Inject.Header);
        if (!proxyRequest.Headers.TryAddWithoutValidation(secret.Inject.Header, credential.Inject(secret.Inject.Value)))
            throw new InvalidOperationException($"no credential can stand in the header {secret.Inject.Header}");
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is not null)
        {
            Pruned = UpstreamHeaders.Prune(proxyResponse, _target, secret, credential);
            Hidden = UpstreamHeaders.Encoding(proxyResponse);
        }

        return Hidden is not null ? ValueTask.FromResult(false) : base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    /// <summary>None are forwarded: they come when the headers have been checked and gone.</summary>
    public override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
