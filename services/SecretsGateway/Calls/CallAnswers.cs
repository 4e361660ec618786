namespace Gatehouse.SecretsGateway.Calls;

/// <summary>The answer to each denial: HTTP status, a stable word, the reason, and what the agent should do or ask its human for.</summary>
internal static class CallAnswers
{
    /// <summary>Stable: programs and records may rely on it.</summary>
    public static string Word(CallDenial denial) => denial switch
    {
        CallDenial.Host => "wrong-host",
        CallDenial.Target => "not-a-proxy",
        CallDenial.AmbiguousPath => "ambiguous-path",
        CallDenial.UnknownSecret => "unknown-secret",
        CallDenial.AmbiguousFraming => "ambiguous-framing",
        CallDenial.NominatedHeader => "nominated-header",
        CallDenial.Upgrade => "upgrade",
        CallDenial.Method => "method-not-allowed",
        CallDenial.Path => "path-not-allowed",
        CallDenial.AmbiguousQuery => "ambiguous-query",
        CallDenial.Query => "query-not-allowed",
        CallDenial.Header => "header-not-allowed",
        CallDenial.Unenforceable => "not-supported",
        CallDenial.BodyTooLarge => "body-too-large",
        CallDenial.TooManyRequests => "too-many-requests",
        CallDenial.CredentialUnreadable => "credential-unreadable",
        CallDenial.NotRecorded => "record-unavailable",
        _ => "denied",
    };

    public static int Status(CallDenial denial) => denial switch
    {
        CallDenial.Host => StatusCodes.Status421MisdirectedRequest,
        CallDenial.Target or CallDenial.AmbiguousFraming or CallDenial.NominatedHeader => StatusCodes.Status400BadRequest,
        CallDenial.UnknownSecret => StatusCodes.Status404NotFound,
        CallDenial.BodyTooLarge => StatusCodes.Status413PayloadTooLarge,
        CallDenial.TooManyRequests => StatusCodes.Status429TooManyRequests,
        CallDenial.CredentialUnreadable => StatusCodes.Status502BadGateway,
        CallDenial.NotRecorded => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status403Forbidden,
    };

    /// <summary>In words that the agent may see.</summary>
    public static string Reason(CallDenial denial, string? secret) => denial switch
    {
        CallDenial.Host => "the request is for another host than secrets.gatehouse",
        CallDenial.Target => "this is no proxy: the request line must name a path",
        CallDenial.AmbiguousPath => "the path can be read in more than one way",
        CallDenial.UnknownSecret => "the policy has no secret of that name",
        CallDenial.AmbiguousFraming => "the request has both Content-Length and Transfer-Encoding",
        CallDenial.NominatedHeader => "the Connection header names other headers",
        CallDenial.Upgrade => "upgrades are not forwarded",
        CallDenial.Method => $"no rule of the secret {secret} allows the method",
        CallDenial.Path => $"no rule of the secret {secret} allows the method on this path",
        CallDenial.AmbiguousQuery => "the query can be read in more than one way",
        CallDenial.Query => $"no rule of the secret {secret} allows this query",
        CallDenial.Header => $"a header that the secret {secret} wants is missing or has a value that no rule allows",
        CallDenial.Unenforceable => $"the rule of the secret {secret} has parts that are not supported yet",
        CallDenial.BodyTooLarge => "the body is larger than the gateway forwards",
        CallDenial.TooManyRequests => "too many requests at a time",
        CallDenial.CredentialUnreadable => "the credential could not be read",
        CallDenial.NotRecorded => "the record is unavailable",
        _ => "denied",
    };

    /// <summary>What the agent should do, or ask its human for.</summary>
    public static string Ask(CallDenial denial, string? secret) => denial switch
    {
        CallDenial.Host or CallDenial.Target => "Call http://secrets.gatehouse/NAME/PATH directly.",
        CallDenial.AmbiguousPath => "Send the path without dot segments, doubled slashes, semicolons, backslashes and escaped separators.",
        CallDenial.UnknownSecret => "Ask your human which secrets gatehouse.yaml has.",
        CallDenial.AmbiguousFraming or CallDenial.NominatedHeader => "Use an ordinary client.",
        CallDenial.Upgrade => "Use plain requests, or server-sent events.",
        CallDenial.AmbiguousQuery => "Name each parameter once, without semicolons, and write a space as %20 and a plus as %2B.",
        CallDenial.Method or CallDenial.Path or CallDenial.Query or CallDenial.Header =>
            $"Ask your human to allow the call under the secret {secret} in gatehouse.yaml.",
        CallDenial.Unenforceable => $"Ask your human to remove body rules and limits from the secret {secret} in gatehouse.yaml.",
        CallDenial.BodyTooLarge => "Send less at a time.",
        CallDenial.TooManyRequests => "Wait for an answer before the next call.",
        CallDenial.CredentialUnreadable => "Ask your human to look at `gatehouse log`.",
        _ => "Ask your human to look at `gatehouse status`.",
    };
}
