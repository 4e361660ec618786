using Gatehouse.Policy;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>The decision: a pure function of policy and call.</summary>
internal static class CallDecider
{
    private static readonly string[] s_hosts = ["secrets.gatehouse", "secrets.gatehouse:80", "198.18.0.1", "198.18.0.1:80"];

    public static CallDecision Decide(AgentPolicy policy, SecretCall call)
    {
        if (!s_hosts.Contains(call.Host, StringComparer.OrdinalIgnoreCase))
            return Deny(CallDenial.Host);
        if (!call.Path.StartsWith('/'))
            return Deny(CallDenial.Target);
        // A path parameter (";x") is cut off by some servers, so that a rule that ends in a fixed word would match what they do not see.
        if (!HttpPath.TryNormalize(call.Path, out var path, out _) || path.Contains(';') || path.Contains("%3B", StringComparison.Ordinal))
            return Deny(CallDenial.AmbiguousPath);
        var slash = path.IndexOf('/', 1);
        var name = slash < 0 ? path[1..] : path[1..slash];
        var rest = slash < 0 ? "/" : path[slash..];
        if (policy.Secrets.FirstOrDefault(candidate => candidate.Name == name) is not { } secret)
            return Deny(CallDenial.UnknownSecret);
        if (Framing.Check(call.Headers) is not CallDenial.None and var framing)
            return new(framing, secret, rest, null);
        return Match(secret, call, rest);
    }

    private static CallDecision Match(SecretPolicy secret, SecretCall call, string path)
    {
        var farthest = CallDenial.Method;
        // TRACE would send the credential back in the answer's body; CONNECT has no path.
        if (call.Method is "TRACE" or "TRACK" or "CONNECT")
            return new(farthest, secret, path, null);
        if (!QueryText.IsWellFormed(call.Query))
            return new(CallDenial.AmbiguousQuery, secret, path, null);
        foreach (var rule in secret.Allow)
        {
            var denial = Match(rule, call, path);
            if (denial == CallDenial.None)
                return Enforceable(secret, rule) ? new(denial, secret, path, rule.Rule) : new(CallDenial.Unenforceable, secret, path, null);
            farthest = denial > farthest ? denial : farthest;
        }

        return new(farthest, secret, path, null);
    }

    private static CallDenial Match(SecretCallRule rule, SecretCall call, string path)
    {
        if (!rule.Methods.Contains(call.Method))
            return CallDenial.Method;
        if (!rule.Path.IsMatch(path))
            return CallDenial.Path;
        if (rule.Query is { } allowed)
        {
            if (!QueryText.TryRead(call.Query, out var parameters))
                return CallDenial.AmbiguousQuery;
            if (!parameters.All(parameter => allowed.TryGetValue(parameter.Name, out var globs)
                && globs.Any(glob => Glob.IsMatch(glob, parameter.Value))))
                return CallDenial.Query;
        }

        return HeaderRules.Match(rule.Headers, call.Headers) ? CallDenial.None : CallDenial.Header;
    }

    // The parser refuses these; should one come through another way, it must not be ignored.
    private static bool Enforceable(SecretPolicy secret, SecretCallRule rule) =>
        rule.Body.IsEmpty && secret.Limits is { RequestsPerMinute: null, BytesPerDay: null, TokensPerDay: null };

    private static CallDecision Deny(CallDenial denial) => new(denial, null, "", null);
}
