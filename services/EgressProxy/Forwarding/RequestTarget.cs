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

    /// <summary>Without the query, which may hold what no record should.</summary>
    public ReadOnlySpan<char> Path =>
        PathAndQuery.IndexOf('?', StringComparison.Ordinal) is >= 0 and var end ? PathAndQuery.AsSpan(0, end) : PathAndQuery;

    public static RequestTarget Read(HttpContext context, AgentConnection connection)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var headers = context.Request.Headers;
        var isProxy = connection.To is null;
        if (headers.Host.Count != 1 || !Destination.TryParse(headers.Host[0], EgressDecider.HttpPort, out var host))
            return new(connection.To ?? connection.DialledDestination, "/", Denial.InvalidRequest);

        // RFC 9112 §3.2.4: OPTIONS * has no path to forward. White space, control characters and fragments stand in no request-target.
        var isVisible = raw.Length > 0 && !raw.AsSpan().ContainsAnyExceptInRange('!', '~') && !raw.Contains('#', StringComparison.Ordinal);
        if (!isVisible || HasTwoLengths(headers))
            return new(host, "/", Denial.InvalidRequest);
        if (raw[0] == '/')
            return new(host, raw, isProxy ? Denial.NotForProxy : Denial.None);
        if (!raw.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return new(host, "/", isProxy ? Denial.NotForProxy : Denial.InvalidRequest);

        var rest = raw[Scheme.Length..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        var path = end < 0 ? "/" : rest[end] == '?' ? "/" + rest[end..] : rest[end..];
        if (!Destination.TryParse(end < 0 ? rest : rest[..end], EgressDecider.HttpPort, out var authority))
            return new(host, path, Denial.InvalidRequest);

        // RFC 9112 §3.2.2 has the target win; servers that look at Host would go elsewhere.
        return new(authority, path, authority == host ? Denial.None : Denial.InvalidRequest);
    }

    /// <summary>Where both are sent, Kestrel lets Transfer-Encoding win and moves the length to a header of this name.</summary>
    private static bool HasTwoLengths(IHeaderDictionary headers) =>
        headers.TransferEncoding.Count > 0 && (headers.ContentLength is not null || headers.ContainsKey("X-Content-Length"));
}
