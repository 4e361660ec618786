using System.Net.Http.Headers;
using Gatehouse.Policy.Secrets;
using Gatehouse.SecretsGateway.Credentials;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// Turns the agent's request into the call that was checked: its path and query exactly, without whatever the agent sent in the places where
/// credentials stand, with the real one; and makes the answer harmless on its way back.
/// </summary>
internal sealed class SecretTransformer(SecretPolicy secret, string path, string query, SecretValue credential) : HttpTransformer
{
    /// <summary>Where credentials stand in general; an agent's placeholder, or somebody else's key that it found, has no business upstream.</summary>
    private static readonly string[] s_stripped =
    [
        "Authorization", "x-api-key", "api-key", "x-goog-api-key", "Cookie", "Proxy-Authorization", "Proxy-Connection", "Forwarded", "X-Forwarded-For",
        "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via", "Expect", "Host", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
        "traceparent", "tracestate", "baggage",
    ];

    private static readonly string[] s_dropped = ["Set-Cookie", "Set-Cookie2", "Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Clear-Site-Data", "Proxy-Authenticate"];

    /// <summary>Headers of the answer that were taken out because they showed the credential, or led away.</summary>
    public List<string> Removed { get; } = [];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = new Uri(destinationPrefix.TrimEnd('/') + path + query, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        foreach (var name in s_stripped.Append(secret.Inject.Header))
        {
            proxyRequest.Headers.Remove(name);
            proxyRequest.Content?.Headers.Remove(name);
        }

        proxyRequest.Headers.Host = null;
        if (!proxyRequest.Headers.TryAddWithoutValidation(secret.Inject.Header, credential.Inject(secret.Inject.Value)))
            throw new InvalidOperationException($"the credential can not stand in {secret.Inject.Header}");
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is not null)
        {
            foreach (var name in s_dropped)
                proxyResponse.Headers.Remove(name);
            RewriteLocation(proxyResponse.Headers);
            RemoveCredential(proxyResponse.Headers);
            RemoveCredential(proxyResponse.Content.Headers);
        }

        return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    // A redirect is the agent's to follow, through the gate again: never with the credential to wherever the upstream says.
    private void RewriteLocation(HttpResponseHeaders headers)
    {
        if (headers.Location is not { } location)
            return;
        var target = location.IsAbsoluteUri ? location : new Uri(secret.Upstream, location);
        var prefix = secret.Upstream.AbsolutePath.TrimEnd('/');
        if (target.GetLeftPart(UriPartial.Authority) == secret.Upstream.GetLeftPart(UriPartial.Authority)
            && target.AbsolutePath.StartsWith(prefix + '/', StringComparison.Ordinal))
        {
            headers.Location = new Uri($"http://secrets.gatehouse/{secret.Name}{target.PathAndQuery[prefix.Length..]}");
            return;
        }

        headers.Location = null;
        Removed.Add("Location");
    }

    private void RemoveCredential(HttpHeaders headers)
    {
        foreach (var (name, _) in headers.Where(header => header.Value.Any(credential.IsIn)).ToList())
        {
            headers.Remove(name);
            Removed.Add(name);
        }
    }
}
