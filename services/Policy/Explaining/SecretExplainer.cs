using System.Collections.Immutable;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.Policy.Explaining;

/// <summary>Which calls of <c>http://secrets.gatehouse/NAME/…</c> the policy allows. Headers, query and body are not known here.</summary>
internal static class SecretExplainer
{
    public static PolicyExplanation Explain(ImmutableArray<SecretPolicy> secrets, Target target)
    {
        if (!HttpPath.TryNormalize(target.Path, out var path, out var error))
            return new PolicyExplanation(target.Host, Verdict.Deny(error), "");
        var subject = "secrets.gatehouse" + Shown.Plain(path, 200);
        if (path == "/")
            return new PolicyExplanation(subject,
                Verdict.Allow($"the secrets gateway, for {List(secrets.Select(secret => secret.Name))}"), "");
        var slash = path.IndexOf('/', 1);
        var name = slash < 0 ? path[1..] : path[1..slash];
        var rest = slash < 0 ? "/" : path[slash..];
        if (secrets.FirstOrDefault(candidate => candidate.Name == name) is not { } secret)
            return new PolicyExplanation(subject,
                Verdict.Deny($"there is no secret of that name, only {List(secrets.Select(candidate => candidate.Name))}"), "");
        var rules = secret.Allow.Where(rule => rule.Path.IsMatch(rest)).ToList();
        return rules.Count > 0
            ? new PolicyExplanation(subject, Verdict.Allow(string.Join("; ", rules.Select(rule => rule.Rule))), "")
            : new PolicyExplanation(subject, Verdict.Deny($"no rule of the secret '{name}' names that path"),
                $"secrets[{secrets.IndexOf(secret)}].allow: - {{ method: GET, path: \"{Shown.Plain(rest, 200)}\" }}");
    }

    private static string List(IEnumerable<string> names) => names.Any() ? string.Join(", ", names) : "none";
}
