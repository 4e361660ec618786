using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Egress;

public sealed class EgressPolicyTests
{
    private static readonly EgressPolicy Policy = Of(
        ("api.example.com", [443, 80]),
        ("*.example.com", [443]),
        ("*.deep.example.com", [8443]),
        ("git.example.com", [22]),
        ("10.1.2.3/32", [5432]),
        ("10.1.0.0/16", [6379]),
        ("10.1.2.0/24", [6379, 9000]),
        ("2001:db8::/32", [443]),
        ("api.example.com", [443, 8080]));

    [Theory]
    [InlineData("api.example.com", 443, "[0] api.example.com")]
    [InlineData("api.example.com", 80, "[0] api.example.com")]
    [InlineData("api.example.com", 8080, "[8] api.example.com")]
    [InlineData("www.example.com", 443, "[1] *.example.com")]
    [InlineData("a.b.example.com", 443, "[1] *.example.com")]
    [InlineData("a.deep.example.com", 8443, "[2] *.deep.example.com")]
    [InlineData("a.deep.example.com", 443, "[1] *.example.com")]
    [InlineData("git.example.com", 22, "[3] git.example.com")]
    [InlineData("git.example.com", 443, "[1] *.example.com")]
    [InlineData("deep.example.com", 443, "[1] *.example.com")]
    public void Decide_AllowedName_NamesTheBestRule(string host, int port, string rule)
    {
        var decision = Policy.Decide(Name(host), port);
        Assert.True(decision.Verdict.IsAllowed);
        Assert.Equal("egress.allow" + rule, decision.Verdict.Rule);
        Assert.Equal(decision.Verdict.Rule, decision.Rule!.Name);
    }

    [Theory]
    [InlineData("example.com", 443)]
    [InlineData("evil-example.com", 443)]
    [InlineData("evilexample.com", 443)]
    [InlineData("api.example.com.evil", 443)]
    [InlineData("api.example", 443)]
    [InlineData("com", 443)]
    [InlineData("www.example.com", 80)]
    [InlineData("www.example.com", 0)]
    [InlineData("www.example.com", -1)]
    [InlineData("www.example.com", 65979)]
    [InlineData("deep.example.com", 8443)]
    [InlineData("git.example.com", 80)]
    public void Decide_AnythingElse_IsDenied(string host, int port)
    {
        var decision = Policy.Decide(Name(host), port);
        Assert.False(decision.Verdict.IsAllowed);
        Assert.Null(decision.Rule);
        Assert.NotEqual("", decision.Verdict.Reason);
    }

    [Fact]
    public void Decide_AllowedNameOnAnotherPort_SaysSo()
    {
        var verdict = Policy.Decide(Name("git.example.com"), 80).Verdict;
        Assert.Equal("egress.allow[3] git.example.com", verdict.Rule);
        Assert.Contains("not on port 80", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.1.2.3", 5432, "[4] 10.1.2.3/32")]
    [InlineData("::ffff:10.1.2.3", 5432, "[4] 10.1.2.3/32")]
    [InlineData("10.1.2.3", 6379, "[6] 10.1.2.0/24")]
    [InlineData("10.1.3.1", 6379, "[5] 10.1.0.0/16")]
    [InlineData("2001:db8::1", 443, "[7] 2001:db8::/32")]
    public void Decide_NamedAddress_NamesTheNarrowestRule(string address, int port, string rule) =>
        Assert.Equal("egress.allow" + rule, Policy.Decide(IPAddress.Parse(address), port).Rule!.Name);

    [Theory]
    [InlineData("10.1.2.4", 5432)]
    [InlineData("10.2.0.0", 6379)]
    [InlineData("10.0.255.255", 6379)]
    [InlineData("10.1.3.1", 9000)]
    [InlineData("2001:db9::1", 443)]
    [InlineData("::10.1.2.3", 5432)]
    [InlineData("1.1.1.1", 443)]
    public void Decide_OtherAddress_IsDenied(string address, int port) => Assert.False(Policy.Decide(IPAddress.Parse(address), port).Verdict.IsAllowed);

    [Fact]
    public void AllowsName_OnWhateverPort_IsTrueForNamedHostsOnly()
    {
        Assert.True(Policy.AllowsName(Name("git.example.com"), out var rule));
        Assert.Equal("egress.allow[3] git.example.com", rule.Name);
        Assert.False(Policy.AllowsName(Name("example.com"), out _));
        Assert.False(Policy.AllowsName(default, out _));
    }

    [Fact]
    public void NamesAddress_OnWhateverPort_IsTrueForNamedNetworksOnly()
    {
        Assert.True(Policy.NamesAddress(IPAddress.Parse("10.1.200.1")));
        Assert.True(Policy.NamesAddress(IPAddress.Parse("::ffff:10.1.200.1")));
        Assert.False(Policy.NamesAddress(IPAddress.Parse("10.2.0.1")));
        Assert.False(Policy.NamesAddress(IPAddress.Loopback));
    }

    [Fact]
    public void Ports_OfAllRules_AreOnceEachAndAscending() =>
        Assert.Equal([22, 80, 443, 5432, 6379, 8080, 8443, 9000], Policy.Ports.AsEnumerable());

    [Fact]
    public void NoRules_DenyEverything()
    {
        var none = new EgressPolicy([]);
        Assert.Empty(none.Ports);
        Assert.False(none.Decide(Name("example.com"), 443).Verdict.IsAllowed);
        Assert.False(none.Decide(IPAddress.Loopback, 443).Verdict.IsAllowed);
    }

    // By what it allocates, not by the clock: one look-up for each label, whatever the number of rules.
    [Fact]
    public void AllowsName_TenThousandRules_AllocatesNothing()
    {
        var rules = Enumerable.Range(0, 10_000).Select(i => (i % 2 == 0 ? $"*.w{i}.example" : $"h{i}.example", new[] { 443 })).ToArray();
        var policy = Of(rules);
        DomainName[] names = [Name("a.b.c.d.w9998.example"), Name("h9999.example"), Name("h9998.example"), Name("a.h1.example")];
        bool[] expected = [true, true, false, false];
        for (var round = 0; round < 2; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var right = true;
            for (var i = 0; i < names.Length; i++)
                right &= policy.AllowsName(names[i], out _) == expected[i];
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(right);
            Assert.True(round == 0 || allocated == 0, $"{allocated} bytes");
        }
    }

    private static DomainName Name(string text)
    {
        Assert.True(DomainName.TryParse(text, out var name));
        return name;
    }

    private static EgressPolicy Of(params (string Subject, int[] Ports)[] rules) => new([.. rules.Select((rule, index) => new EgressRule
    {
        Name = $"egress.allow[{index}] {rule.Subject}",
        Host = HostPattern.TryParse(rule.Subject, out var pattern, out _) ? pattern : null,
        Address = IPNetwork.TryParse(rule.Subject, out var network) ? network : null,
        Ports = rule.Ports.ToImmutableArray(),
    })]);
}
