namespace Gatehouse.SecretsGateway.Calls;

/// <summary>Headers that decide where a message ends and who may change it on its way.</summary>
internal static class Framing
{
    // What ordinary clients name there. h2c (RFC 7540 §3.2) is offered by Java's client on every first request; ignoring it is an answer.
    private static readonly string[] s_harmless = ["keep-alive", "close", "te", "upgrade", "http2-settings"];

    public static CallDenial Check(IHeaderDictionary headers)
    {
        // Kestrel lets Transfer-Encoding win and moves the length to a header of this name.
        if (headers.TransferEncoding.Count > 0 && (headers.ContentLength is not null || headers.ContainsKey("X-Content-Length")))
            return CallDenial.AmbiguousFraming;
        // A hop that obeys RFC 9110 §7.6.1 takes out what Connection names: the injected header, or one that a rule wants. (Beside close,
        // keep-alive or upgrade Kestrel drops other names itself; the header goes no further in any case.)
        if (!headers.Connection.SelectMany(Tokens).All(token => s_harmless.Contains(token, StringComparer.OrdinalIgnoreCase)))
            return CallDenial.NominatedHeader;
        var isIgnorable = headers.Upgrade.SelectMany(Tokens).All(token => token.Equals("h2c", StringComparison.OrdinalIgnoreCase));
        return isIgnorable ? CallDenial.None : CallDenial.Upgrade;
    }

    private static IEnumerable<string> Tokens(string? value) =>
        (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
