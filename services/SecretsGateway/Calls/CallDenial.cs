namespace Gatehouse.SecretsGateway.Calls;

/// <summary>Every reason for which a call is not made; <see cref="CallAnswers"/> has the answer to each.</summary>
internal enum CallDenial
{
    None,

    /// <summary>Meant for another server.</summary>
    Host,

    /// <summary>Absolute-form, authority-form or asterisk: this is no proxy (RFC 9112 §3.2).</summary>
    Target,

    /// <summary>A path that parsers could read differently.</summary>
    AmbiguousPath,

    /// <summary>The policy has no such secret.</summary>
    UnknownSecret,

    /// <summary>Content-Length beside Transfer-Encoding (RFC 9112 §6.3).</summary>
    AmbiguousFraming,

    /// <summary>Connection names a header that intermediaries would take out.</summary>
    NominatedHeader,

    /// <summary>WebSocket and the like.</summary>
    Upgrade,

    // The four parts of a rule, in the order in which they are looked at: the farthest that a call came is what the agent is told.

    /// <summary>No rule has the method.</summary>
    Method,

    /// <summary>No rule with the method has the path.</summary>
    Path,

    /// <summary>A rule restricts the query, and it can be read in more than one way.</summary>
    AmbiguousQuery,

    /// <summary>A parameter, or its value, is in no rule.</summary>
    Query,

    /// <summary>A header is missing, or its value is in no rule.</summary>
    Header,

    /// <summary>The rule has a part that nothing here enforces: letting it pass would be ignoring it.</summary>
    Unenforceable,

    /// <summary>More than the gateway forwards.</summary>
    BodyTooLarge,

    /// <summary>More at a time than one session may have.</summary>
    TooManyRequests,

    /// <summary>The credential is not there, or can not be used.</summary>
    CredentialUnreadable,

    /// <summary>What can not be recorded does not happen.</summary>
    NotRecorded,

    /// <summary>The decision itself failed.</summary>
    Error,
}
