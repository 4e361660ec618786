using Gatehouse.Policy;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Secrets;
using Microsoft.AspNetCore.WebUtilities;

namespace Gatehouse.SecretsGateway.Calls;

/// <param name="Denial">None when allowed.</param>
/// <param name="Secret">Which credential, when known.</param>
/// <param name="Path">The path that was checked and is forwarded, below the secret's name.</param>
/// <param name="Rule">Which rule allowed it.</param>
internal sealed record CallDecision(CallDenial Denial, SecretPolicy? Secret, string Path, string? Rule);

/// <summary>The decision: a pure function of policy and call.</summary>
internal static class CallDecider
{
    private static readonly System.Buffers.SearchValues<char> s_ambiguous = System.Buffers.SearchValues.Create(";#\\\" <>");
    private const int MaxQuery = 8 * 1024, MaxParameters = 128;

    public static CallDecision Decide(AgentPolicy policy, SecretCall call)
    {
        if (call.Host is not ("secrets.gatehouse" or "secrets.gatehouse:80" or "198.18.0.1" or "198.18.0.1:80"))
            return Deny(CallDenial.WrongHost);
        if (!HttpPath.TryNormalize(call.Path, out var path, out _))
            return Deny(CallDenial.AmbiguousPath);
        var slash = path.IndexOf('/', 1);
        var name = slash < 0 ? path[1..] : path[1..slash];
        var rest = slash < 0 ? "/" : path[slash..];
        if (policy.Secrets.FirstOrDefault(candidate => candidate.Name == name) is not { } secret)
            return Deny(CallDenial.UnknownSecret);
        if (call.Headers.ContainsKey("Upgrade"))
            return Deny(CallDenial.Upgrade, secret, rest);
        if (!TryReadQuery(call.Query, out var query))
            return Deny(CallDenial.AmbiguousQuery, secret, rest);
        foreach (var rule in secret.Allow)
        {
            if (rule.Methods.Contains(call.Method) && rule.Path.IsMatch(rest) && HeadersMatch(rule, call.Headers) && QueryMatches(rule, query))
                return new(CallDenial.None, secret, rest, rule.Rule);
        }

        return Deny(CallDenial.NoRule, secret, rest);
    }

    private static CallDecision Deny(CallDenial denial, SecretPolicy? secret = null, string path = "/") => new(denial, secret, path, null);

    private static bool HeadersMatch(SecretCallRule rule, IHeaderDictionary headers) => rule.Headers.All(wanted =>
        headers.TryGetValue(wanted.Key, out var values) && values.Count == 1 && wanted.Value.Any(glob => Glob.IsMatch(glob, values[0]!)));

    private static bool QueryMatches(SecretCallRule rule, Dictionary<string, string> query) => rule.Query is not { } allowed
        || query.All(parameter => allowed.TryGetValue(parameter.Key, out var globs) && globs.Any(glob => Glob.IsMatch(glob, parameter.Value)));

    // What two servers could read differently is refused: parameters given twice, semicolons, escapes that are none.
    private static bool TryReadQuery(string query, out Dictionary<string, string> parameters)
    {
        parameters = new(StringComparer.Ordinal);
        if (query.Length <= 1)
            return true;
        if (query.Length > MaxQuery || query.AsSpan().ContainsAny(s_ambiguous) || query.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return false;
        for (var at = query.IndexOf('%', StringComparison.Ordinal); at >= 0; at = query.IndexOf('%', at + 1))
        {
            if (at + 2 >= query.Length || !char.IsAsciiHexDigit(query[at + 1]) || !char.IsAsciiHexDigit(query[at + 2]))
                return false;
        }

        foreach (var pair in new QueryStringEnumerable(query))
        {
            if (parameters.Count >= MaxParameters || !parameters.TryAdd(pair.DecodeName().ToString(), pair.DecodeValue().ToString()))
                return false;
        }

        return true;
    }
}
