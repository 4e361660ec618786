using System.Collections.Frozen;
using System.Globalization;

namespace Gatehouse.Policy.Learning;

/// <summary>
/// A name is looked up at the servers of whoever owns its domain: many names below one domain, or one long label, carry data to them. Such names
/// are for a person to allow, and many are told as one.
/// </summary>
internal static class NameFamilies
{
    /// <summary>Different names below one domain that programs have: clouds and package feeds come with a handful.</summary>
    public const int Most = 12;

    /// <summary>Half of what a label can have. Names for people are shorter; a hash in hexadecimal is as long.</summary>
    public const int LongLabel = 32;

    /// <summary>What registries of countries have below their two letters.</summary>
    private static readonly FrozenSet<string> s_ofRegistries = FrozenSet.Create(StringComparer.Ordinal,
        "ac", "co", "com", "ed", "edu", "gen", "go", "gob", "gov", "gr", "ind", "ltd", "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "police", "re", "sch", "web");

    public static IEnumerable<SuggestedRule> Fold(IEnumerable<SuggestedRule> rules)
    {
        var all = rules.ToList();
        var hosts = all.Where(rule => rule.Kind == SuggestedKind.Host).ToList();
        var below = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var name in hosts.Select(rule => rule.Subject))
            foreach (var domain in Domains(name))
                (below.TryGetValue(domain, out var names) ? names : below[domain] = new(StringComparer.Ordinal)).Add(name);
        var families = below.Where(each => each.Value.Count > Most).Select(each => each.Key).ToHashSet(StringComparer.Ordinal);

        var alone = hosts.ToLookup(rule => Domains(rule.Subject).LastOrDefault(families.Contains));
        return all.Where(rule => rule.Kind != SuggestedKind.Host).Concat(alone[null].Select(Judge))
            .Concat(alone.Where(family => family.Key is not null).SelectMany(family => family.GroupBy(rule => rule.Port, (port, members) => Family(family.Key!, port, [.. members]))));
    }

    private static SuggestedRule Family(string domain, int port, List<SuggestedRule> members) => new(
        SuggestedKind.Host, "*." + domain, port, string.Create(CultureInfo.InvariantCulture, $"{{ host: \"*.{domain}\", ports: [{port}] }}"),
        string.Create(CultureInfo.InvariantCulture, $"{members.Count} different names, such as {members[0].Subject}: so data is carried out in names"), false, members.Sum(rule => rule.Count));

    private static SuggestedRule Judge(SuggestedRule rule) => rule.Subject.Split('.').Any(label => label.Length >= LongLabel)
        ? rule with { IsSafe = false, IsGuess = false, Note = "a long label: data is carried out in such names" }
        : rule;

    /// <summary>The domains that a name is below, the longest first. Not those that only registries have: <c>test</c>, <c>co.uk</c>.</summary>
    private static IEnumerable<string> Domains(string name)
    {
        for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            var domain = name[(dot + 1)..];
            var last = domain.LastIndexOf('.');
            // By their words, not their length: x1z.in is anybody's to buy.
            var isOfRegistry = last < 0 || (domain.Length - last == 3 && s_ofRegistries.Contains(domain[..last]));
            if (!isOfRegistry)
                yield return domain;
        }
    }
}
