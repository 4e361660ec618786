using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Policy.Editing;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Learning;

/// <summary>
/// From a session's denials to the least that would have allowed them: each host with each port that was tried, never a wildcard. The events hold
/// what an agent chose to try: what is made of them is a suggestion to read.
/// </summary>
public static class PolicyLearner
{
    /// <summary>More than a person reads; an agent can try any number of names.</summary>
    public const int MostRules = 500;

    // Plain in YAML, and no glob.
    private static readonly SearchValues<char> s_plainPath =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~");

    /// <summary>The words of the egress gate for what a rule would have changed.</summary>
    private static readonly string[] s_curable =
        ["name-not-allowed", "port-not-allowed", "raw-address", "not-approved", "refused-by-person", "not-answered", "too-many-held", "nobody-to-ask"];

    public static ImmutableArray<SuggestedRule> Suggest(AgentPolicy current, IEnumerable<BoundaryEvent> events)
    {
        var found = new Dictionary<(SuggestedKind, string, int, string), SuggestedRule>();
        var resolved = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var each in events.Where(each => each is { Verdict: VerdictKind.Denied, Attempt: null }))
        {
            if (each.Gate == Boundary.Dns && Queried(each.Subject) is { } queried)
                resolved[queried] = resolved.GetValueOrDefault(queried) + 1;
            else if (each.Gate == Boundary.Egress && OfEgress(current, each) is { } rule)
                Add(rule);
            else if (each.Gate == Boundary.Secrets && OfSecret(current, each) is { } call)
                Add(call);
        }

        // A name that was only asked for never got as far as a port.
        foreach (var (name, count) in resolved)
            if (!found.Values.Any(rule => rule.Subject == name) && DomainName.TryParse(name, out var host) && !current.Egress.AllowsName(host, out _))
                Add(Egress(name, 443, "only its name was looked up; port 443 is a guess", count) with { IsSafe = false });
        return [.. found.Values.OrderBy(rule => rule.Kind).ThenByDescending(rule => rule.IsSafe).ThenBy(rule => rule.Subject, StringComparer.Ordinal).ThenBy(rule => rule.Port)];

        void Add(SuggestedRule rule)
        {
            var key = (rule.Kind, rule.Subject, rule.Port, rule.Line);
            if (found.TryGetValue(key, out var known))
                found[key] = known with { Count = known.Count + rule.Count };
            else if (found.Count < MostRules)
                found[key] = rule;
        }
    }

    private static SuggestedRule? OfEgress(AgentPolicy current, BoundaryEvent each)
    {
        if (each.Detail is null || !each.Detail.TryGetValue("denial", out var denial) || !s_curable.Contains(denial))
            return null;
        var subject = each.Subject;
        // A request: "GET http://host:port/path".
        if (subject.IndexOf(" http://", StringComparison.Ordinal) is >= 0 and var space)
        {
            subject = subject[(space + 8)..];
            subject = subject.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? subject[..slash] : subject;
        }

        var colon = subject.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(subject.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535 or 53 or 3128)
            return null;
        var host = subject[..colon].Trim('[', ']');
        if (IpLiteral.TryParse(host, out var address))
            return current.Egress.Decide(address, port).Verdict.IsAllowed ? null : Egress(address.ToString(), port, null, 1);
        return DomainName.TryParse(host, out var name) && !current.Egress.Decide(name, port).Verdict.IsAllowed ? Egress(name.Value, port, null, 1) : null;
    }

    private static SuggestedRule Egress(string host, int port, string? note, int count)
    {
        var isAddress = IpLiteral.TryParse(host, out _);
        return new(isAddress ? SuggestedKind.Address : SuggestedKind.Host, host, port, PolicyEditor.Rule(host, port)!,
            isAddress ? "a raw address: nothing says whose it is" : note, !isAddress, count);
    }

    private static SuggestedRule? OfSecret(AgentPolicy current, BoundaryEvent each)
    {
        if (each.Detail is null || !each.Detail.TryGetValue("denial", out var denial) || denial is not ("method-not-allowed" or "path-not-allowed"))
            return null;
        // "POST name/v1/messages".
        var space = each.Subject.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0)
            return null;
        var method = each.Subject[..space];
        var rest = each.Subject[(space + 1)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || current.Secrets.FirstOrDefault(secret => secret.Name == rest[..slash]) is not { } known)
            return null;
        var path = rest[slash..];
        if (method.AsSpan().ContainsAnyExceptInRange('A', 'Z') || path.AsSpan().ContainsAnyExcept(s_plainPath) || path.Length > 256)
            return null;
        return new(SuggestedKind.SecretCall, known.Name, 0, $"{{ method: {method}, path: {path} }}", "uses the credential: look at what the call does", false, 1);
    }

    /// <summary>The name of a question for addresses; "gone.example A".</summary>
    private static string? Queried(string subject)
    {
        var space = subject.LastIndexOf(' ');
        if (space <= 0 || subject[(space + 1)..] is not ("A" or "AAAA" or "HTTPS" or "ANY"))
            return null;
        return DomainName.TryParse(subject.AsSpan(0, space), out var name) && name.Value.Contains('.', StringComparison.Ordinal)
            && name.Value != "use-application-dns.net" && !name.Value.EndsWith(".arpa", StringComparison.Ordinal) && !name.Value.EndsWith(".gatehouse", StringComparison.Ordinal)
                ? name.Value
                : null;
    }
}
