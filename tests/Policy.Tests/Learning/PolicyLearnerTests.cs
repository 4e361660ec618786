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

    [Fact]
    public void Suggest_QuestionForOtherRecordsOnly_IsForAPersonToWrite() =>
        Assert.False(Assert.Single(PolicyLearner.Suggest(Policy(Yaml), Session), rule => rule.Subject == "c2vjcmv0.exfil.test").IsSafe);

    [Fact]
    public void Suggest_ManyNamesBelowOneDomain_AreToldAsOneAndNotAdded()
    {
        var exfiltration = Enumerable.Range(0, 600).Select(i => Denied(Boundary.Dns, "query", $"part{i}.x{i % 7}.drop.test A", null));
        var tunnelled = Enumerable.Range(0, 13).Select(i => Denied(Boundary.Egress, "connect", $"p{i}.sink.co.uk:8443", "name-not-allowed"));
        var registry = Enumerable.Range(0, 13).Select(i => Denied(Boundary.Egress, "connect", $"shop{i}.co.uk:443", "name-not-allowed"));
        var cloud = Enumerable.Range(0, 12).Select(i => Denied(Boundary.Egress, "connect", $"zone{i}.cloud.test:443", "name-not-allowed"));
        var rules = PolicyLearner.Suggest(Policy(Yaml), exfiltration.Concat(tunnelled).Concat(registry).Concat(cloud));
        Assert.Equal(["*.drop.test", "*.sink.co.uk"], rules.Where(rule => !rule.IsSafe).Select(rule => rule.Subject));
        Assert.Equal(600, rules.First(rule => !rule.IsSafe).Count);
        Assert.Equal(13 + 12, rules.Count(rule => rule.IsSafe));
    }

    [Theory]
    [InlineData(31, true)]
    [InlineData(32, false)]
    [InlineData(63, false)]
    public void Suggest_LongLabel_IsForAPersonToWrite(int length, bool isPlain)
    {
        var name = new string('a', length) + ".test";
        Assert.Equal(isPlain, Assert.Single(PolicyLearner.Suggest(Policy(Yaml), [Denied(Boundary.Egress, "connect", name + ":443", "name-not-allowed")])).IsSafe);
        Assert.Equal(isPlain, Assert.Single(PolicyLearner.Suggest(Policy(Yaml), [Denied(Boundary.Dns, "query", name + " A", null)])).IsGuess);
    }

    /// <summary>Nothing was tried on the port: a rule would allow more than the session asked for.</summary>
    [Fact]
    public void Suggest_NameThatWasOnlyLookedUp_IsAGuess()
    {
        var rule = Assert.Single(PolicyLearner.Suggest(Policy(Yaml), [Denied(Boundary.Dns, "query", "looked-up.test A", null)]));
        Assert.Equal((false, true, "{ host: looked-up.test, ports: [443] }"), (rule.IsSafe, rule.IsGuess, rule.Line));

        var tried = PolicyLearner.Suggest(Policy(Yaml), [Denied(Boundary.Dns, "query", "looked-up.test A", null), Denied(Boundary.Egress, "connect", "looked-up.test:8443", "name-not-allowed")]);
        Assert.Equal((true, false, 8443), (Assert.Single(tried).IsSafe, tried[0].IsGuess, tried[0].Port));
    }

    /// <summary>Two letters behind the last dot make no registry of what is before it.</summary>
    [Theory]
    [InlineData("x1z.in", false)]
    [InlineData("t.co", false)]
    [InlineData("co.uk", true)]
    [InlineData("com.au", true)]
    [InlineData("test", true)]
    public void Suggest_ManyNamesBelowAShortDomain_AreToldAsOne(string domain, bool isOfRegistry)
    {
        var rules = PolicyLearner.Suggest(Policy(Yaml), Enumerable.Range(0, 13).Select(i => Denied(Boundary.Egress, "connect", $"part{i}.{domain}:443", "name-not-allowed")));
        Assert.Equal(isOfRegistry ? 13 : 0, rules.Count(rule => rule.IsSafe));
        Assert.Equal(isOfRegistry ? 13 : 1, rules.Length);
    }

    /// <summary>The subject of a request is what it says of itself; denied was what was dialled.</summary>
    [Theory]
    [InlineData("raw-address", "destination", "9.9.9.9:80")]
    [InlineData("port-not-allowed", "destination", "allowed.test:8080")]
    [InlineData("raw-address", "dialled", "9.9.9.9:80")]
    [InlineData("raw-address", "dialled", "[2001:db8::9]:80")]
    public void Learn_RequestForAnotherHostThanWasDialled_IsNoRule(string denial, string name, string value)
    {
        var each = Denied(Boundary.Egress, "request", "GET http://github.com:80/", denial);
        var lesson = PolicyLearner.Learn(Policy(Yaml), [each with { Detail = each.Detail!.Add(name, value) }]);
        Assert.Empty(lesson.Rules);
        Assert.Equal($"egress {denial}, by a request for another host than was dialled", Assert.Single(lesson.Left).Key);
    }

    [Theory]
    [InlineData("GET http://github.com:80/", "name-not-allowed", "198.18.0.7:80", "github.com")]
    [InlineData("GET http://9.9.9.9:80/", "raw-address", "9.9.9.9:80", "9.9.9.9")]
    public void Suggest_RequestForWhatWasDialled_IsThat(string subject, string denial, string dialled, string host)
    {
        var each = Denied(Boundary.Egress, "request", subject, denial);
        Assert.Equal(host, Assert.Single(PolicyLearner.Suggest(Policy(Yaml), [each with { Detail = each.Detail!.Add("dialled", dialled) }])).Subject);
    }

    /// <summary>What a person was asked is in the record too; the attempt has an event of its own.</summary>
    [Fact]
    public void Learn_WhatAPersonWasAsked_IsNoAttempt()
    {
        var lesson = PolicyLearner.Learn(Policy(Yaml), [Denied(Boundary.Egress, "ask.expired", "held.test:443", null), Denied(Boundary.Egress, "ask.denied", "held.test:443", null)]);
        Assert.Empty(lesson.Rules);
        Assert.Empty(lesson.Left);
    }

    /// <summary>A port that no rule names has no socket: only its packet was seen, to the address that stood for the name.</summary>
    [Fact]
    public void Suggest_PacketToAName_IsThatNameAndPort()
    {
        var named = Denied(Boundary.Egress, "packet", "tcp 198.18.0.2:8443", null) with { Detail = ImmutableSortedDictionary<string, string>.Empty.Add("name", "allowed.test") };
        var rules = PolicyLearner.Suggest(Policy(Yaml), [named, Denied(Boundary.Egress, "packet", "tcp 198.18.0.9:8443", null),
            Denied(Boundary.Egress, "packet", "tcp [2001:db8::1]:22", null), Denied(Boundary.Egress, "packet", "udp 1.2.3.4:443", null)]);
        Assert.Equal(["{ host: allowed.test, ports: [8443] }", "{ address: \"2001:db8::1/128\", ports: [22] }"], rules.Select(rule => rule.Line));
        Assert.Equal([true, false], rules.Select(rule => rule.IsSafe));
    }

    /// <summary>Noise of the agent's making must not push out what a person wants to see.</summary>
    [Fact]
    public void Suggest_AfterAScan_StillHasTheHosts()
    {
        var scan = Enumerable.Range(1, 2_000).SelectMany(port => new[] { $"tcp 10.0.0.1:{port + 100}", "tcp 198.18.0.2:" + (port + 100) })
            .Select(subject => Denied(Boundary.Egress, "packet", subject, null) with { Detail = ImmutableSortedDictionary<string, string>.Empty.Add("name", "aaa.test") })
            .Append(Denied(Boundary.Egress, "connect", "aaa.test:443", "name-not-allowed"));
        var lesson = PolicyLearner.Learn(Policy(Yaml), scan.Append(Denied(Boundary.Egress, "connect", "real.test:443", "name-not-allowed")));
        Assert.Equal(["aaa.test:443", "real.test:443"], lesson.Rules.Where(rule => rule.IsSafe).Select(rule => $"{rule.Subject}:{rule.Port}"));
        Assert.Equal(
            [("{ host: aaa.test, ports: [101, 102, 103, 104, 105, 106, 107, 108] }", 1_999), ("{ address: 10.0.0.1/32, ports: [101, 102, 103, 104, 105, 106, 107, 108] }", 1_999), ("{ address: 10.0.0.1/32, ports: [443] }", 1)],
            lesson.Rules.Where(rule => !rule.IsSafe).Select(rule => (rule.Line, rule.Count)));
        Assert.Equal(0, lesson.Cut);
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(9, 1)]
    public void Suggest_PortsOfOneHost_AreFoldedBeyondWhatProgramsHave(int ports, int rules) =>
        Assert.Equal(rules, PolicyLearner.Suggest(Policy(Yaml), Enumerable.Range(5_000, ports).Select(port => Denied(Boundary.Egress, "connect", $"a.test:{port}", "name-not-allowed"))).Length);

    [Fact]
    public void Learn_MoreThanAPersonReads_SaysHowManyAreCut()
    {
        var lesson = PolicyLearner.Learn(Policy(Yaml), Enumerable.Range(0, 600).Select(i => Denied(Boundary.Egress, "connect", $"host{i}.test:443", "name-not-allowed")));
        Assert.Equal((PolicyLearner.MostRules, 100), (lesson.Rules.Length, lesson.Cut));
        Assert.Empty(lesson.Left);
    }

    [Fact]
    public void Learn_WhatNoRuleChanges_IsCounted() =>
        Assert.Equal(["egress name-not-allowed", "egress names-disagree", "egress own-name", "secrets path-not-allowed"], PolicyLearner.Learn(Policy(Yaml), Session).Left.Keys);
}
