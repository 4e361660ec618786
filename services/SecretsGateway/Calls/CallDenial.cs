namespace Gatehouse.SecretsGateway.Calls;

/// <summary>Why a call is refused.</summary>
internal enum CallDenial
{
    None,
    WrongHost,
    AmbiguousPath,
    UnknownSecret,
    AmbiguousQuery,
    NoRule,
    Upgrade,
    NotRecorded,
    CredentialUnreadable,
    UpstreamFailed,
    TooManyRequests,
    BodyTooLarge,
}

/// <summary>What the agent is told: short, stable, and what to ask its human.</summary>
internal static class CallDenials
{
    public static (int Status, string Title) Answer(CallDenial denial) => denial switch
    {
        CallDenial.WrongHost => (421, "This is the secrets gateway: call http://secrets.gatehouse/NAME/PATH."),
        CallDenial.AmbiguousPath => (400, "The path can be read in more than one way: send it without escapes, dots and doubled slashes."),
        CallDenial.UnknownSecret => (404, "No secret of that name: ask your human to add it to secrets in gatehouse.yaml."),
        CallDenial.AmbiguousQuery => (400, "The query can be read in more than one way: name each parameter once, without semicolons."),
        CallDenial.NoRule => (403, "No rule allows this call: ask your human to add its method and path to secrets in gatehouse.yaml."),
        CallDenial.Upgrade => (403, "Upgrades are not forwarded by the secrets gateway."),
        CallDenial.NotRecorded => (503, "Nothing can be recorded, so nothing passes: ask your human to look at 'gatehouse status'."),
        CallDenial.CredentialUnreadable => (502, "The credential could not be read: ask your human to look at 'gatehouse log'."),
        CallDenial.UpstreamFailed => (502, "The upstream did not answer: ask your human to look at 'gatehouse log'."),
        CallDenial.TooManyRequests => (429, "Too many requests at a time."),
        CallDenial.BodyTooLarge => (413, "The body is larger than the gateway forwards."),
        _ => (403, "Denied."),
    };
}
