using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Doors;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>Where a request says it goes, read from what was sent, not from what a framework made of it.</summary>
/// <param name="Authority">Host and port.</param>
/// <param name="PathAndQuery">As sent.</param>
/// <param name="Denial">None when it could be read.</param>
internal readonly record struct RequestTarget(Destination Authority, string PathAndQuery, Denial Denial)
{
    private const string Scheme = "http://";

    public static RequestTarget Read(HttpContext context, AgentConnection connection)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var hosts = context.Request.Headers.Host;
        if (hosts.Count != 1 || !Destination.TryParse(hosts[0], EgressDecider.HttpPort, out var host))
            return new(connection.DialledDestination, "/", Denial.InvalidRequest);
        if (raw.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            var rest = raw[Scheme.Length..];
            var end = rest.AsSpan().IndexOfAny('/', '?');
            var path = end < 0 ? "/" : rest[end] == '?' ? "/" + rest[end..] : rest[end..];
            if (!Destination.TryParse(end < 0 ? rest : rest[..end], EgressDecider.HttpPort, out var authority))
                return new(host, path, Denial.InvalidRequest);
            // RFC 9112 §3.2.2 has the target win; servers that look at Host would go elsewhere.
            return new(authority, path, authority == host ? Denial.None : Denial.Disagreement);
        }

        if (!raw.StartsWith('/'))
            return new(host, "/", Denial.InvalidRequest);
        return new(host, raw, connection.To is null ? Denial.NotForProxy : Denial.None);
    }
}
