using System.Net;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests.Egress;

public sealed class AskPolicyTests
{
    private static AgentPolicy Policy(string egress) => PolicyParser.Parse("version: 1\negress:\n  " + egress + "\n", "p").Policy!;

    private static DomainName Name(string text) => DomainName.TryParse(text, out var name) ? name : throw new ArgumentException(text);

    [Theory]
    [InlineData("a.example.org", 443, false, true)]
    [InlineData("a.example.org", 22, false, false)]
    [InlineData("example.org", 443, false, false)]
    [InlineData("known.example.org", 443, true, false)]
    [InlineData("other.test", 443, false, false)]
    public void Decide_AskRule_AsksAndDoesNotAllow(string host, int port, bool allowed, bool asked)
    {
        var egress = Policy("allow: [{ host: '*.example.org', ask: true }, { host: known.example.org }]").Egress;
        var decision = egress.Decide(Name(host), port);
        Assert.Equal(allowed, decision.Verdict.IsAllowed);
        Assert.Equal(asked, decision.Asking is not null);
        Assert.Equal(allowed, egress.AllowsName(Name(host), out _));
    }

    [Theory]
    [InlineData("other.test", 443, true)]
    [InlineData("other.test", 9, true)]
    [InlineData("a.test", 443, false)]
    [InlineData("a.test", 22, true)]
    [InlineData("other.test", 53, false)]
    [InlineData("other.test", 3128, false)]
    public void Decide_OtherwiseAsk_AsksAboutWhatNoRuleNames(string host, int port, bool asked)
    {
        var egress = Policy("{ otherwise: ask, allow: [{ host: a.test, ports: [443] }] }").Egress;
        Assert.Equal(asked, egress.Decide(Name(host), port).Asking is not null);
        Assert.Equal("80 443", string.Join(' ', egress.Ports));
    }

    [Theory]
    [InlineData("9.9.9.9", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("198.18.0.9", false)]
    [InlineData("::1", false)]
    [InlineData("10.0.0.5", true)]
    public void Decide_Address_SpecialOnesAreAskedAboutOnlyByARuleThatNamesThem(string address, bool asked)
    {
        var egress = Policy("{ otherwise: ask, allow: [{ address: 10.0.0.5/32, ask: true, ports: [443] }] }").Egress;
        Assert.Equal(asked, egress.Decide(IPAddress.Parse(address), 443).Asking is not null);
        Assert.False(egress.NamesAddress(IPAddress.Parse("10.0.0.5")));
    }

    [Theory]
    [InlineData("otherwise: maybe")]
    [InlineData("askTimeout: 0s")]
    [InlineData("askTimeout: 11m")]
    [InlineData("allow: [{ host: a.test, ask: yes }]")]
    [InlineData("allow: [{ host: a.test, ask: 'true' }]")]
    public void Parse_WrongAsk_IsAnError(string egress) =>
        Assert.Single(PolicyParser.Parse("version: 1\negress:\n  " + egress + "\n", "p").Errors);

    [Fact]
    public void Parse_Timeout_IsTwoMinutesOrAsWritten()
    {
        Assert.Equal(TimeSpan.FromMinutes(2), Policy("otherwise: ask").Egress.AskTimeout);
        Assert.Equal(TimeSpan.FromSeconds(1), Policy("askTimeout: 1s").Egress.AskTimeout);
        Assert.Equal(TimeSpan.FromMinutes(10), Policy("askTimeout: 10m").Egress.AskTimeout);
    }

    /// <summary>No socket inside listens on a port that no rule names: nobody is asked about what dials it.</summary>
    [Theory]
    [InlineData("https://x.test", true)]
    [InlineData("x.test:22", false)]
    [InlineData("a.test:2222", true)]
    [InlineData("x.test:2222", true)]
    [InlineData("9.9.9.9:22", false)]
    public void Explain_Asked_SaysWhatIsHeld(string target, bool isHeldWhenDialled)
    {
        var said = PolicyExplainer.Explain(Policy("{ otherwise: ask, allow: [{ host: a.test, ports: [2222], ask: true }] }"), target).ToString();
        Assert.Contains("held until you answer", said, StringComparison.Ordinal);
        Assert.Equal(!isHeldWhenDialled, said.Contains("denied to programs that dial it", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://secrets.gatehouse/api/v1/x")]
    [InlineData("127.0.0.1:443")]
    [InlineData("10.0.0.1:443")]
    public void Explain_OtherwiseAsk_IsNoAnswerForSecretsAndPrivateAddresses(string target) =>
        Assert.DoesNotContain("held", PolicyExplainer.Explain(Policy("otherwise: ask"), target).ToString(), StringComparison.Ordinal);
}
