using System.Collections.Immutable;

namespace Gatehouse.SecretsGateway.Calls;

/// <summary>Whether the headers are there that a rule wants, with values that it allows.</summary>
internal static class HeaderRules
{
    public static bool Match(ImmutableDictionary<string, ImmutableArray<string>> wanted, IHeaderDictionary headers)
    {
        foreach (var (name, globs) in wanted)
        {
            if (!headers.TryGetValue(name, out var values) || values.Count == 0 || !values.All(value => IsAllowed(globs, value ?? "")))
                return false;
        }

        return true;
    }

    // A list may come in one line or in several (RFC 9110 §5.3): each of its elements must be allowed, so that a star never takes in a
    // comma and what follows it. A glob that has a comma itself is for the whole line.
    private static bool IsAllowed(ImmutableArray<string> globs, string value) =>
        globs.Any(glob => glob.Contains(',') && Glob.IsMatch(glob, value))
        || value.Split(',', StringSplitOptions.TrimEntries).All(element => globs.Any(glob => Glob.IsMatch(glob, element)));
}
