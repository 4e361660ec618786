namespace Gatehouse.EgressProxy.Upstream;

/// <summary>Why an allowed destination was not reached.</summary>
internal enum UpstreamFailure
{
    None,

    /// <summary>The resolver answers, and has no usable address for the name.</summary>
    NotResolved,

    /// <summary>The resolver says that the policy no longer allows the name.</summary>
    NotAllowed,

    /// <summary>The name has private or otherwise special addresses only (DNS rebinding).</summary>
    SpecialPurpose,

    ResolverUnavailable,
    Refused,
    Unreachable,
    TimedOut,

    /// <summary>Reached, and then it broke off or spoke no HTTP.</summary>
    Broken,
}

/// <summary>The answer to each failure: HTTP status, a stable word, and the reason in words that the agent may see.</summary>
internal static class UpstreamFailureText
{
    public static int Status(UpstreamFailure failure) => failure switch
    {
        UpstreamFailure.NotAllowed => StatusCodes.Status403Forbidden,
        UpstreamFailure.TimedOut => StatusCodes.Status504GatewayTimeout,
        UpstreamFailure.ResolverUnavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status502BadGateway,
    };

    public static string Word(UpstreamFailure failure) => failure switch
    {
        UpstreamFailure.NotResolved => "not-resolved",
        UpstreamFailure.NotAllowed => "name-not-allowed",
        UpstreamFailure.SpecialPurpose => "special-purpose-address",
        UpstreamFailure.ResolverUnavailable => "resolver-unavailable",
        UpstreamFailure.Refused => "refused",
        UpstreamFailure.Unreachable => "unreachable",
        UpstreamFailure.TimedOut => "timed-out",
        _ => "broken",
    };

    public static string Reason(UpstreamFailure failure) => failure switch
    {
        UpstreamFailure.NotResolved => "the name could not be resolved",
        UpstreamFailure.NotAllowed => "the name is no longer allowed",
        UpstreamFailure.SpecialPurpose => "the name has private addresses only, and no rule names them",
        UpstreamFailure.ResolverUnavailable => "the resolver is unavailable",
        UpstreamFailure.Refused => "the host refused the connection",
        UpstreamFailure.Unreachable => "the host is unreachable",
        UpstreamFailure.TimedOut => "the host did not answer in time",
        _ => "the host broke off",
    };
}
