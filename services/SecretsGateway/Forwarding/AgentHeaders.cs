using System.Collections.Frozen;
using System.Net.Http.Headers;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>What of the agent's headers has no business upstream.</summary>
internal static class AgentHeaders
{
    private static readonly FrozenSet<string> s_stripped = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        // Where credentials stand: a placeholder, or a key of somebody else, under whose account data would leave by an allowed call.
        "Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Auth-Token", "X-Access-Token", "Private-Token", "Cookie", "Cookie2",
        // What would have the answer come in a form, or in parts, in which no credential can be found.
        "Accept-Encoding", "Range", "If-Range", "A-IM",
        // Between two hops only (RFC 9110 §7.6.1), and what frames the message.
        "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Expect", "Host", "X-Content-Length",
        // Who asks, and whom: the upstream is not told about this machine, and believes nothing the agent says about it.
        "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Host", "X-Original-Host",
        // Another method or path than the one that was checked, to servers that obey these.
        "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-Method",
        "X-Original-URL", "X-Rewrite-URL", "X-Original-URI",
        // The trace is ours, and stays here.
        "traceparent", "tracestate", "baggage");

    private static readonly string[] s_strippedPrefixes = ["Proxy-", "X-Forwarded-", "Sec-WebSocket-"];

    /// <param name="name">As the agent wrote it.</param>
    /// <param name="injected">The header that carries the credential.</param>
    public static bool IsStripped(string name, string injected)
    {
        // CGI and what came after it take X_Api_Key and X-Api-Key for one name (RFC 3875 §4.1.18).
        var canonical = name.Replace('_', '-');
        return s_stripped.Contains(canonical)
            || canonical.Equals(injected.Replace('_', '-'), StringComparison.OrdinalIgnoreCase)
            || s_strippedPrefixes.Any(prefix => canonical.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
    }

    public static void Strip(HttpHeaders headers, string injected)
    {
        foreach (var name in headers.NonValidated.Select(header => header.Key).Where(name => IsStripped(name, injected)).ToList())
            headers.Remove(name);
    }
}
