using Gatehouse.EgressProxy.Destinations;

namespace Gatehouse.EgressProxy.Decisions;

/// <summary>The answer to each denial: HTTP status, a stable word, the reason, and what the agent should ask its human for.</summary>
internal static class DenialText
{
    /// <summary>Stable: programs and records may rely on it.</summary>
    public static string Word(Denial denial) => denial switch
    {
        Denial.Name => "name-not-allowed",
        Denial.Port => "port-not-allowed",
        Denial.RawAddress => "raw-address",
        Denial.Unapproved => "not-approved",
        Denial.Refused => "refused-by-person",
        Denial.Unanswered => "not-answered",
        Denial.TooManyHeld => "too-many-held",
        Denial.NobodyToAsk => "nobody-to-ask",
        Denial.OwnName => "own-name",
        Denial.Disagreement => "names-disagree",
        Denial.NoServerName => "no-server-name",
        Denial.NameOnAddress => "name-on-address",
        Denial.EncryptedHello => "encrypted-client-hello",
        Denial.InvalidTls => "invalid-tls",
        Denial.NotTls => "not-tls",
        Denial.NotHttp => "not-http",
        Denial.InvalidRequest => "invalid-request",
        Denial.NoRequest => "no-request",
        Denial.NotForProxy => "not-for-proxy",
        Denial.NeedsInspection => "needs-inspection",
        Denial.TooSlow => "too-slow",
        Denial.ResolverUnavailable => "resolver-unavailable",
        Denial.RecordUnavailable => "record-unavailable",
        _ => "denied",
    };

    public static int Status(Denial denial) => denial switch
    {
        Denial.InvalidRequest or Denial.NotForProxy => StatusCodes.Status400BadRequest,
        Denial.TooManyHeld => StatusCodes.Status429TooManyRequests,
        Denial.TooSlow => StatusCodes.Status408RequestTimeout,
        Denial.ResolverUnavailable or Denial.RecordUnavailable or Denial.NobodyToAsk => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status403Forbidden,
    };

    /// <summary>In words that the agent may see.</summary>
    public static string Reason(Denial denial, Destination to, in Attempt attempt) => denial switch
    {
        Denial.Name => $"no rule names {to.Host}",
        Denial.Port => $"{to.Host} is allowed on other ports, not on {to.Port}",
        Denial.RawAddress => $"{to.Host} is a raw address that no rule names",
        Denial.Unapproved => $"nobody has allowed {to} yet",
        Denial.Refused => $"your human was asked about {to}, and said no",
        Denial.Unanswered => $"your human was asked about {to}, and did not answer in time",
        Denial.TooManyHeld => "too many connections wait for your human's answer",
        Denial.NobodyToAsk => $"your human can not be asked about {to} now",
        Denial.OwnName => $"{to.Host} is Gatehouse's own name and not reached through the proxy",
        Denial.Disagreement => $"{to.Host} was dialled, but the connection is for {Claimed(attempt)}",
        Denial.NoServerName => $"TLS to {to.Host} without a server name (SNI)",
        Denial.NameOnAddress => $"TLS to the address {to.Host} is for the name {Claimed(attempt)}",
        Denial.EncryptedHello => "the ClientHello hides its server name (Encrypted Client Hello, or the decoy of it that browsers send)",
        Denial.InvalidTls => "the ClientHello can not be read",
        Denial.NotTls => $"port {to.Port} is for TLS, and this is something else",
        Denial.NotHttp => $"port {to.Port} is for HTTP, and this is something else",
        Denial.InvalidRequest => "the request head is malformed or ambiguous",
        Denial.NoRequest => "the connection ended before a request had come",
        Denial.NotForProxy => "this is a proxy: it takes CONNECT and requests for absolute http:// URLs",
        Denial.NeedsInspection => $"the rule for {to.Host} has methods or paths, which can not be enforced yet",
        Denial.TooSlow => "the client's first bytes did not come in time",
        Denial.ResolverUnavailable => "the resolver is unavailable",
        Denial.RecordUnavailable => "the record is unavailable",
        _ => "denied",
    };

    /// <summary>What the agent should do, or ask its human for.</summary>
    public static string Ask(Denial denial, Destination to) => denial switch
    {
        Denial.Name => $"Ask your human to add `- host: {to.Host}` to egress.allow in gatehouse.yaml.",
        Denial.Port => $"Ask your human to add port {to.Port} to the rule for {to.Host} in gatehouse.yaml.",
        Denial.RawAddress => "Use the host's name. If it has none, ask your human to add "
            + $"`- {{ address: {to.Host}/{(to.UriHost[0] == '[' ? 128 : 32)}, ports: [{to.Port}] }}` to egress.allow in gatehouse.yaml.",
        Denial.Refused => "Do without it, or tell your human why you need it.",
        Denial.Unapproved or Denial.Unanswered or Denial.TooManyHeld => "Tell your human to look at `gatehouse pending`, and try again.",
        Denial.OwnName => "Call http://secrets.gatehouse directly: NO_PROXY must name secrets.gatehouse.",
        Denial.Disagreement => "Connect to the host that the request is for; if that is denied, ask your human to allow it.",
        Denial.NoServerName => "Use a TLS client that sends SNI.",
        Denial.NameOnAddress => $"Ask your human for a rule with `host:` and `connect: \"{to}\"`.",
        Denial.EncryptedHello => "Turn ECH off in the client. Chrome: --disable-features=EncryptedClientHello. "
            + "Firefox: security.tls.ech.grease_probability=0 and network.dns.echconfig.enabled=false.",
        Denial.InvalidTls or Denial.InvalidRequest or Denial.NoRequest or Denial.TooSlow => "Use an ordinary client.",
        Denial.NotTls => "Use https, or ask your human for a rule with another port.",
        Denial.NotHttp => "Use http, or ask your human for a rule with another port.",
        Denial.NotForProxy => "Set HTTP_PROXY and HTTPS_PROXY, and call the URL itself.",
        Denial.NeedsInspection => "Ask your human to remove methods and paths from the rule in gatehouse.yaml.",
        _ => "Ask your human to look at `gatehouse status`.",
    };

    private static string Claimed(in Attempt attempt) =>
        attempt.Opening == Opening.Http ? attempt.Authority.ToString() : attempt.Hello.ServerName?.ToString() ?? "no name";
}
