using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Policy.Egress;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>The request as it was sent, to the destination that was decided on; without what was meant for a proxy, and with nothing added about the agent.</summary>
internal sealed class PlainTransformer(Destination to, EgressRule rule, string pathAndQuery) : HttpTransformer
{
    private static readonly string[] s_forProxies = ["Proxy-Authorization", "Proxy-Connection", "Proxy-Authenticate", "Host"];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = new Uri(destinationPrefix + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        foreach (var name in s_forProxies)
            proxyRequest.Headers.Remove(name);
        proxyRequest.Headers.Host = to.Port == EgressDecider.HttpPort ? to.UriHost : to.ToString();
        proxyRequest.Options.Set(SessionUpstream.Target, (to, rule));
    }
}
