using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Learning;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>What the record says about a policy: how often each rule decided, which never did, and what was denied for want of one.</summary>
internal sealed partial class RuleUse(EventStore store)
{
    /// <summary>Newest records of a session that are counted.</summary>
    public const int Most = 20_000;

    /// <summary>Newest denials of a session that are learned from: an agent can try any number of names.</summary>
    private const int MostDenied = 5_000;

    /// <summary>How often each rule decided, by its text: the number of a rule in the record is its place in the file of then.</summary>
    public RuleCounts Count(string session)
    {
        using var connection = store.Database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT rule, count(*) FROM (SELECT rule, attempt, action FROM events WHERE session = $session ORDER BY sequence DESC LIMIT $most)
            WHERE attempt IS NULL AND substr(action, 1, length($ask)) <> $ask GROUP BY rule LIMIT 1000
            """;
        command.Parameters.AddWithValue("$session", session);
        command.Parameters.AddWithValue("$most", Most);
        // An answer names the rule that asked, as the attempt does that waited for it.
        command.Parameters.AddWithValue("$ask", BoundaryActions.AskPrefix);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                if (!reader.IsDBNull(0))
                    counts[Unnumbered(reader.GetString(0))] = counts.GetValueOrDefault(Unnumbered(reader.GetString(0))) + reader.GetInt64(1);
            }
        }

        command.CommandText = "SELECT count(*) FROM (SELECT 1 FROM events WHERE session = $session LIMIT $most + 1)";
        return new(counts, (long)command.ExecuteScalar()! > Most);
    }

    /// <summary>The rules of a policy in its order, with the verdicts that name them.</summary>
    public static ImmutableArray<RuleLine> Lines(AgentPolicy policy, RuleCounts counts)
    {
        var rules = policy.Egress.Allow.Select(rule => (rule.Name, What: $"{rule.Host?.ToString() ?? rule.Address?.ToString()} port {string.Join(", ", rule.Ports)}{(rule.Ask ? ", asks" : "")}"))
            .Concat(policy.Secrets.SelectMany(secret => secret.Allow.Select(call => (Name: call.Rule, What: $"{secret.Name}: {string.Join('|', call.Methods)} {call.Path.Text}"))))
            .Select(rule => (rule.Name, rule.What, Text: Unnumbered(rule.Name))).ToList();
        var alike = rules.CountBy(rule => rule.Text).ToDictionary(StringComparer.Ordinal);
        return [.. rules.Select(rule => new RuleLine(rule.Name, rule.What, counts.Of.Where(entry => IsOf(entry.Key, rule.Text)).Sum(entry => entry.Value), alike[rule.Text] > 1))];
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

    // "egress.allow[3] api.example.org" → "egress.allow api.example.org"; what follows is the rule's own.
    private static string Unnumbered(string rule)
    {
        var end = rule.IndexOf(' ', StringComparison.Ordinal);
        return end < 0 ? Number().Replace(rule, "") : Number().Replace(rule[..end], "") + rule[end..];
    }

    [GeneratedRegex(@"\[[0-9]{1,6}\]")]
    private static partial Regex Number();

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
/// <param name="IsShared">Other rules have the same text but for ports and the like: the count is that of all of them.</param>
internal sealed record RuleLine(string Name, string What, long Count, bool IsShared);

/// <param name="Of">Decisions, by the rule's text without its place.</param>
/// <param name="IsCut">The session has records that were not counted.</param>
internal sealed record RuleCounts(Dictionary<string, long> Of, bool IsCut);
