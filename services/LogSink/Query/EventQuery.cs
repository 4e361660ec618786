using System.Globalization;

namespace Gatehouse.LogSink.Query;

/// <summary>The parameters of <c>GET /events</c>, <c>GET /events/stream</c> and <c>GET /sessions</c>.</summary>
internal sealed record EventQuery(EventFilter Filter, long? After, long Before, bool NewestFirst, int Limit)
{
    /// <summary>Of sessions: those whose name begins so.</summary>
    public string? Prefix { get; private init; }

    /// <summary>Of sessions: those older than this one.</summary>
    public string? Older { get; private init; }

    public const int DefaultLimit = 100;
    public const int MostLimit = 1_000;

    /// <summary>As long as what they are compared with can be.</summary>
    private const int MostText = 2_048;

    /// <summary>What is wrong with the parameters, or null.</summary>
    /// <param name="query">The request's.</param>
    /// <param name="allowed">The names that this endpoint knows.</param>
    /// <param name="result">What is asked for, when nothing is wrong.</param>
    public static string? TryParse(IQueryCollection query, ReadOnlySpan<string> allowed, out EventQuery result)
    {
        result = new(new(null, null, null, null), null, long.MaxValue, true, DefaultLimit);
        foreach (var (name, values) in query)
        {
            if (!allowed.Contains(name))
                return $"there is no parameter '{name}': {string.Join(", ", allowed!)}";
            if (values is not [{ Length: <= MostText } value])
                return $"{name} must be given once, with at most {MostText} characters";
            var problem = name switch
            {
                "session" => Take(result with { Filter = result.Filter with { Session = value } }, out result),
                "name" => Take(result with { Filter = result.Filter with { Name = value } }, out result),
                "prefix" => Take(result with { Prefix = value }, out result),
                "older" => Take(result with { Older = value }, out result),
                "gate" => OneOf(name, value, Words.Gates) ?? Take(result with { Filter = result.Filter with { Gate = value } }, out result),
                "verdict" => OneOf(name, value, Words.Verdicts) ?? Take(result with { Filter = result.Filter with { Verdict = value } }, out result),
                "order" => OneOf(name, value, ["desc", "asc"]) ?? Take(result with { NewestFirst = value == "desc" }, out result),
                "after" => Number(name, value, long.MaxValue, out var after) ?? Take(result with { After = after }, out result),
                "before" => Number(name, value, long.MaxValue, out var before) ?? Take(result with { Before = before }, out result),
                _ => Number(name, value, MostLimit, out var limit) ?? Take(result with { Limit = (int)limit }, out result),
            };
            if (problem is not null)
                return problem;
        }

        return null;
    }

    private static string? Take(EventQuery next, out EventQuery result)
    {
        result = next;
        return null;
    }

    private static string? OneOf(string name, string value, IEnumerable<string> words) =>
        words.Contains(value) ? null : $"{name} must be one of {string.Join(", ", words)}";

    private static string? Number(string name, string value, long most, out long number) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most ? null : $"{name} must be a number from 0 to {most}";
}
