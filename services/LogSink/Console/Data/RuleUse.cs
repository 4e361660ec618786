using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Learning;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>What the record says about a policy: how often each rule decided, which never did, and what was denied for want of one.</summary>
internal sealed class RuleUse(EventStore store)
{
    /// <summary>Newest records of a session that are counted.</summary>
    public const int Most = 20_000;

    /// <summary>Newest denials of a session that are learned from: an agent can try any number of names.</summary>
    private const int MostDenied = 5_000;

    /// <returns>Times that each rule is named by the session's records.</returns>
    public Dictionary<string, long> Count(string session)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT rule, count(*) FROM (SELECT rule, attempt FROM events WHERE session = $session ORDER BY sequence DESC LIMIT $most)
            WHERE rule IS NOT NULL AND attempt IS NULL GROUP BY rule LIMIT 1000
            """;
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$most", Most);
        using var reader = command.ExecuteReader();
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        while (reader.Read())
            counts[reader.GetString(0)] = reader.GetInt64(1);
        return counts;
    }

    /// <summary>The rules of a policy in its order, with the verdicts that name them.</summary>
    public static ImmutableArray<RuleLine> Lines(AgentPolicy policy, Dictionary<string, long> counts)
    {
        var rules = policy.Egress.Allow.Select(rule => (rule.Name, What: $"{rule.Host?.ToString() ?? rule.Address?.ToString()} port {string.Join(", ", rule.Ports)}{(rule.Ask ? ", asks" : "")}"))
            .Concat(policy.Secrets.SelectMany(secret => secret.Allow.Select(call => (Name: call.Rule, What: $"{secret.Name}: {string.Join('|', call.Methods)} {call.Path.Text}"))));
        return [.. rules.Select(rule => new RuleLine(rule.Name, rule.What, counts.Where(entry => IsOf(entry.Key, rule.Name)).Sum(entry => entry.Value)))];
    }

    /// <summary>The least that would have allowed what the session was denied.</summary>
    public ImmutableArray<SuggestedRule> Suggestions(string session, AgentPolicy policy)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        // SQLite keeps no statistics that would tell it how much shorter this index is.
        command.CommandText = $"SELECT {EventReader.Columns} FROM events INDEXED BY events_denied WHERE session = $session AND verdict = 'denied' ORDER BY sequence DESC LIMIT $most";
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$most", MostDenied);
        using var reader = command.ExecuteReader();
        var events = new List<BoundaryEvent>();
        while (reader.Read())
        {
            if (Event(EventReader.Read(reader)) is { } each)
                events.Add(each);
        }

        return PolicyLearner.Suggest(policy, events);
    }

    // The record may name a rule with more behind it, as what it matched.
    private static bool IsOf(string recorded, string rule) =>
        recorded == rule || (recorded.StartsWith(rule, StringComparison.Ordinal) && recorded[rule.Length] == ' ');

    private static BoundaryEvent? Event(EventRow row)
    {
        if (!Enum.TryParse<Boundary>(row.Gate, ignoreCase: true, out var gate))
            return null;
        try
        {
            return new()
            {
                Id = row.Id,
                Time = Time.Of(row.Ticks),
                Session = row.Session,
                Gate = gate,
                Action = row.Action,
                Subject = row.Subject,
                Verdict = row.Verdict == "allowed" ? VerdictKind.Allowed : VerdictKind.Denied,
                Rule = row.Rule,
                Attempt = row.Attempt,
                Detail = row.Detail is null ? null : DetailJson.Read(row.Detail).ToImmutableSortedDictionary(StringComparer.Ordinal),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Name">As in the record: <c>egress.allow[0] host</c>.</param>
/// <param name="What">What it allows.</param>
/// <param name="Count">Decisions of the session that name it.</param>
internal sealed record RuleLine(string Name, string What, long Count);
