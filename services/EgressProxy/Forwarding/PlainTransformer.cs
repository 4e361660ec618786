using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Policy.Egress;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>
/// The request as it was sent, to the destination that was decided on; without what was meant for a proxy (YARP itself leaves out what belongs to
/// one connection only), and with nothing added about the agent.
/// </summary>
internal sealed class PlainTransformer(Destination to, EgressRule rule, string pathAndQuery) : HttpTransformer
{
    private const string ForProxies = "Proxy-";

    public static string Prefix(Destination to) => "http://" + to.UriHost + ":" + to.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        // The path goes out as it came in: decoding and encoding it again would make it another one.
        proxyRequest.RequestUri = new Uri(
            destinationPrefix + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var headers = proxyRequest.Headers;
        foreach (var name in headers.NonValidated.Select(header => header.Key).Where(IsForThisHop(httpContext)).ToList())
            headers.Remove(name);
        headers.Host = to.Port == EgressDecider.HttpPort ? to.UriHost : to.ToString();
        proxyRequest.Options.Set(SessionUpstream.Target, (to, rule));
    }

    /// <summary>RFC 9110 §7.6.1: what Connection names goes no further.</summary>
    private static Func<string, bool> IsForThisHop(HttpContext context)
    {
        var nominated = context.Request.Headers.Connection
            .SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return name => name.StartsWith(ForProxies, StringComparison.OrdinalIgnoreCase) || nominated.Contains(name);
    }
}
