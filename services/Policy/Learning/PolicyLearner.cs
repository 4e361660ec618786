using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
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
    /// <summary>More than a person reads; an agent can try any number of names. Of each kind.</summary>
    public const int MostRules = 500;

    // Plain in YAML, and no glob.
    private static readonly SearchValues<char> s_plainPath =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~");

    /// <summary>The words of the egress gate for what a rule would have changed.</summary>
    private static readonly string[] s_curable =
        ["name-not-allowed", "port-not-allowed", "raw-address", "not-approved", "refused-by-person", "not-answered", "too-many-held", "nobody-to-ask"];

    public static ImmutableArray<SuggestedRule> Suggest(AgentPolicy current, IEnumerable<BoundaryEvent> events) => Learn(current, events).Rules;

    public static Lesson Learn(AgentPolicy current, IEnumerable<BoundaryEvent> events)
    {
        var found = new Dictionary<(SuggestedKind, string, int, string), SuggestedRule>();
        var resolved = new Dictionary<DomainName, (int Count, bool ForAddress)>();
        var left = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var each in events.Where(IsAttempt))
        {
            if (each.Gate == Boundary.Dns && Queried(each.Subject, out var forAddress) is { } queried)
                resolved[queried] = resolved.TryGetValue(queried, out var known) ? (known.Count + 1, known.ForAddress || forAddress) : (1, forAddress);
            else if (each.Gate == Boundary.Egress && Tried(each) is { } tried)
            {
                if (Agrees(each, tried.Host))
                    AddEgress(tried.Host, tried.Port);
                else
                    Leave(Word(each) + ", by a request for another host than was dialled");
            }
            else if (each.Gate == Boundary.Secrets && OfSecret(current, each) is { } call)
                Add(call);
            else
                Leave(Word(each));
        }

        // A name that was only asked for never got as far as a port.
        var named = found.Values.Select(rule => rule.Subject).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, (count, forAddress)) in resolved)
        {
            if (named.Contains(name.Value) || current.Egress.AllowsName(name, out _))
                continue;
            Add(forAddress
                ? Egress(name.Value, 443, "only its name was looked up: port 443 is a guess", false, count) with { IsGuess = true }
                : Egress(name.Value, 443, "looked up for other records than addresses, as tunnels through DNS do", false, count));
        }

        var rules = NameFamilies.Fold(PortScans.Fold(found.Values)).OrderBy(rule => rule.Kind).ThenByDescending(rule => rule.IsSafe).ThenBy(rule => rule.Note is not null)
            .ThenBy(rule => rule.Subject, StringComparer.Ordinal).ThenBy(rule => rule.Port).GroupBy(rule => rule.Kind).ToList();
        return new(
            [.. rules.SelectMany(kind => kind.Take(MostRules))], left.ToImmutableSortedDictionary(StringComparer.Ordinal), rules.Sum(kind => Math.Max(0, kind.Count() - MostRules)));

        void Leave(string why) => left[why] = left.GetValueOrDefault(why) + 1;

        void AddEgress(string host, int port)
        {
            if (IpLiteral.TryParse(host, out var address))
            {
                if (!current.Egress.Decide(address, port).Verdict.IsAllowed)
                    Add(Egress(address.ToString(), port, "a raw address: nothing says whose it is", false, 1));
            }
            else if (DomainName.TryParse(host, out var name) && !current.Egress.Decide(name, port).Verdict.IsAllowed)
                Add(Egress(name.Value, port, null, true, 1));
        }

        void Add(SuggestedRule rule)
        {
            var key = (rule.Kind, rule.Subject, rule.Port, rule.Line);
            found[key] = found.TryGetValue(key, out var known) ? known with { Count = known.Count + rule.Count } : rule;
        }
    }

    // Not the ends of attempts, and not what a person was asked about one.
    private static bool IsAttempt(BoundaryEvent each) =>
        each is { Verdict: VerdictKind.Denied, Attempt: null } && !BoundaryActions.IsAsk(each.Action);

    /// <summary>Whether the host of a request's subject, which an agent writes as it likes, is the one that was dialled and denied. Where it is not, no rule helps: the names disagree.</summary>
    private static bool Agrees(BoundaryEvent each, string host)
    {
        if (each.Action != "request" || each.Detail is not { } detail)
            return true;
        if (detail.ContainsKey("destination"))
            return false;
        // Recorded before there was a destination: an address that is none of ours can only be dialled for itself.
        return !detail.TryGetValue("dialled", out var text) || !IPEndPoint.TryParse(text, out var dialled) || IsOurs(dialled.Address)
            || (IpLiteral.TryParse(host, out var address) && address.Equals(dialled.Address));
    }

    /// <summary>What was tried, where a rule would have changed the answer.</summary>
    private static (string Host, int Port)? Tried(BoundaryEvent each)
    {
        var denial = each.Detail?.GetValueOrDefault("denial");
        var subject = each.Subject;
        // "tcp 1.2.3.4:22": no socket was there for the port. Behind an address of ours stands the name that was meant.
        if (each.Action == "packet" && subject.StartsWith("tcp ", StringComparison.Ordinal))
            subject = subject[4..];
        else if (!s_curable.Contains(denial))
            return null;
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
        {
            if (!IsOurs(address))
                return (host, port);
            host = each.Detail?.GetValueOrDefault("name") ?? "";
        }

        return DomainName.TryParse(host, out _) ? (host, port) : null;
    }

    /// <summary>198.18.0.0/15: what stands there for a name is another name's in the next session.</summary>
    private static bool IsOurs(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes() is [198, 18 or 19, _, _];

    /// <summary>For what no rule changes: "egress names-disagree", "dns query".</summary>
    private static string Word(BoundaryEvent each)
    {
        var what = each.Detail?.GetValueOrDefault("denial")
            ?? (each.Action == "packet" && each.Subject.IndexOf(' ', StringComparison.Ordinal) is > 0 and < 16 and var end ? each.Subject[..end] : each.Action);
        return $"{each.Gate.ToString().ToLowerInvariant()} {what}";
    }

    private static SuggestedRule Egress(string host, int port, string? note, bool isSafe, int count) =>
        new(IpLiteral.TryParse(host, out _) ? SuggestedKind.Address : SuggestedKind.Host, host, port, PolicyEditor.Rule(host, port)!, note, isSafe, count);

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

    /// <summary>The name of a question; "gone.example A".</summary>
    private static DomainName? Queried(string subject, out bool forAddress)
    {
        var space = subject.LastIndexOf(' ');
        forAddress = space > 0 && subject[(space + 1)..] is "A" or "AAAA" or "HTTPS" or "ANY";
        return space > 0 && DomainName.TryParse(subject.AsSpan(0, space), out var name) && name.Value.Contains('.', StringComparison.Ordinal)
            && name.Value != "use-application-dns.net" && !name.Value.EndsWith(".arpa", StringComparison.Ordinal) && !name.Value.EndsWith(".gatehouse", StringComparison.Ordinal)
                ? name
                : null;
    }
}
