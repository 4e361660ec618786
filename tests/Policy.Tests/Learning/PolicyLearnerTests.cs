using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Editing;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Learning;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests.Learning;

public sealed class PolicyLearnerTests
{
    private const string Yaml = """
        version: 1 # mine
        egress:
          allow:
            - host: allowed.test
        secrets:
          - name: api
            upstream: https://api.test
            from: env:KEY
            inject: { header: x-api-key, value: "{secret}" }
            allow: [{ method: GET, path: /v1/whoami }]

        """;

    private static AgentPolicy Policy(string yaml) => PolicyParser.Parse(yaml, "p").Policy!;

    private static BoundaryEvent Denied(Boundary gate, string action, string subject, string? denial) => new()
    {
        Id = Guid.CreateVersion7(),
        Time = DateTimeOffset.UnixEpoch,
        Session = "s",
        Gate = gate,
        Action = action,
        Subject = subject,
        Verdict = VerdictKind.Denied,
        Detail = denial is null ? null : ImmutableSortedDictionary<string, string>.Empty.Add("denial", denial),
    };

    private static readonly BoundaryEvent[] Session =
    [
        Denied(Boundary.Egress, "connect", "a.wild.test:443", "name-not-allowed"),
        Denied(Boundary.Egress, "connect", "a.wild.test:443", "name-not-allowed"),
        Denied(Boundary.Egress, "connect", "allowed.test:22", "port-not-allowed"),
        Denied(Boundary.Egress, "request", "GET http://plain.test:80/a:9/http://b", "name-not-allowed"),
        Denied(Boundary.Egress, "connect", "9.9.9.9:443", "raw-address"),
        Denied(Boundary.Egress, "connect", "front.test:443", "names-disagree"),
        Denied(Boundary.Egress, "connect", "x.gatehouse:443", "own-name"),
        Denied(Boundary.Egress, "connect", "evil\n    - host: more.test:443", "name-not-allowed"),
        Denied(Boundary.Dns, "query", "a.wild.test A", null),
        Denied(Boundary.Dns, "query", "looked-up.test AAAA", null),
        Denied(Boundary.Dns, "query", "c2VjcmV0.exfil.test TXT", null),
        Denied(Boundary.Secrets, "request", "POST api/v1/messages", "method-not-allowed"),
        Denied(Boundary.Secrets, "request", "POST api/v1/*", "path-not-allowed"),
    ];

    [Fact]
    public void Suggest_RecordedSession_AllowsItsAttemptsAndNothingElse()
    {
        var text = Yaml;
        var rules = PolicyLearner.Suggest(Policy(Yaml), Session);
        foreach (var rule in rules.Where(rule => rule.IsSafe))
            text = PolicyEditor.AddEgressRule(text, rule.Subject, rule.Port).Text!;
        var learned = Policy(text);
        Assert.Equal(1 + 3, learned.Egress.Allow.Length);
        Assert.All(learned.Egress.Allow, rule => Assert.False(rule.Host!.Value.IsWildcard));
        (string, int)[] allowed = [("a.wild.test", 443), ("allowed.test", 22), ("allowed.test", 443), ("allowed.test", 80), ("plain.test", 80)];
        foreach (var host in new[] { "a.wild.test", "allowed.test", "plain.test", "looked-up.test", "wild.test", "b.wild.test", "front.test", "more.test", "exfil.test", "x.gatehouse" })
            foreach (var port in new[] { 22, 80, 443, 8443 })
            {
                Assert.True(DomainName.TryParse(host, out var name));
                Assert.Equal(allowed.Contains((host, port)), learned.Egress.Decide(name, port).Verdict.IsAllowed);
            }

        Assert.False(learned.Egress.Decide(IPAddress.Parse("9.9.9.9"), 443).Verdict.IsAllowed);
        Assert.Empty(PolicyLearner.Suggest(learned, Session).Where(rule => rule.IsSafe));
    }

    [Fact]
    public void Suggest_AddressesAndSecretCalls_AreForAPersonToWrite()
    {
        var rules = PolicyLearner.Suggest(Policy(Yaml), Session);
        Assert.Equal("{ address: 9.9.9.9/32, ports: [443] }", Assert.Single(rules, rule => rule.Kind == SuggestedKind.Address).Line);
        Assert.Equal("{ method: POST, path: /v1/messages }", Assert.Single(rules, rule => rule.Kind == SuggestedKind.SecretCall).Line);
        Assert.All(rules.Where(rule => rule.Kind != SuggestedKind.Host), rule => Assert.False(rule.IsSafe));
    }
}
