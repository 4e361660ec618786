using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests.Explaining;

public sealed class PolicyExplainerTests
{
    private static readonly AgentPolicy Policy = PolicyParser.Parse("""
        version: 1
        egress:
          allow:
            - host: api.github.com
            - host: "*.nuget.org"
            - { host: github.com, ports: [22] }
            - { address: 10.1.2.3/32, ports: [5432] }
            - { address: "2001:db8::1", ports: [443] }
        secrets:
          - name: anthropic
            upstream: https://api.anthropic.com
            from: env:KEY
            inject: { header: x-api-key, value: "{secret}" }
            allow: [{ method: POST, path: /v1/messages }, { method: [GET, HEAD], path: "/v1/**" }]
        """, "p").Policy!;

    [Theory]
    [InlineData("api.github.com", "api.github.com:443", "[0] api.github.com")]
    [InlineData(" API.GitHub.com. ", "api.github.com:443", "[0] api.github.com")]
    [InlineData("https://api.github.com/repos?q=a:b@c#d", "api.github.com:443", "[0] api.github.com")]
    [InlineData("https://user:pw@api.github.com/x", "api.github.com:443", "[0] api.github.com")]
    [InlineData("http://api.github.com", "api.github.com:80", "[0] api.github.com")]
    [InlineData("api.github.com:80", "api.github.com:80", "[0] api.github.com")]
    [InlineData("ssh://git@github.com/x/y", "github.com:22", "[2] github.com")]
    [InlineData("a.b.nuget.org", "a.b.nuget.org:443", "[1] *.nuget.org")]
    [InlineData("10.1.2.3:5432", "10.1.2.3:5432", "[3] 10.1.2.3/32")]
    [InlineData("0x0a.1.515:5432", "10.1.2.3:5432", "[3] 10.1.2.3/32")]
    [InlineData("[::ffff:10.1.2.3]:5432", "10.1.2.3:5432", "[3] 10.1.2.3/32")]
    [InlineData("2001:db8::1", "[2001:db8::1]:443", "[4] 2001:db8::1/128")]
    [InlineData("https://[2001:db8::1]/x", "[2001:db8::1]:443", "[4] 2001:db8::1/128")]
    public void Explain_Allowed_NamesTheRule(string text, string target, string rule)
    {
        var explanation = PolicyExplainer.Explain(Policy, text);
        Assert.True(explanation.Verdict.IsAllowed);
        Assert.Equal($"{target}: allowed by egress.allow{rule}", explanation.ToString());
        Assert.Equal("", explanation.Hint);
    }

    [Theory]
    [InlineData("example.com", "example.com:443", "no rule", "egress.allow: - host: example.com")]
    [InlineData("http://bücher.example/", "xn--bcher-kva.example:80", "no rule", "egress.allow: - host: xn--bcher-kva.example")]
    [InlineData("example.com:8443", "example.com:8443", "no rule", "egress.allow: - { host: example.com, ports: [8443] }")]
    [InlineData("nuget.org", "nuget.org:443", "*.nuget.org is for the names below nuget.org", "egress.allow: - host: nuget.org")]
    [InlineData("evil-nuget.org", "evil-nuget.org:443", "no rule", "egress.allow: - host: evil-nuget.org")]
    [InlineData("https://github.com", "github.com:443", "not on port 443", "egress.allow: - host: github.com")]
    [InlineData("127.0.0.1", "127.0.0.1:443", "no rule", "egress.allow: - { address: 127.0.0.1/32, ports: [443] }")]
    [InlineData("http://2130706433/", "127.0.0.1:80", "no rule", "egress.allow: - { address: 127.0.0.1/32, ports: [80] }")]
    [InlineData("http://169.254.169.254/latest", "169.254.169.254:80", "no rule", "egress.allow: - { address: 169.254.169.254/32, ports: [80] }")]
    [InlineData("[::1]:443", "[::1]:443", "no rule", "egress.allow: - { address: \"::1/128\", ports: [443] }")]
    [InlineData("8.8.8.8:53", "8.8.8.8:53", "no rule", "nothing does")]
    [InlineData("example.com:99999", "example.com:99999", "no port", "")]
    [InlineData("example.com:x", "example.com:x", "no port", "")]
    [InlineData("a..b", "a..b", "neither a host name nor an address", "")]
    [InlineData("", "", "neither a host name nor an address", "")]
    [InlineData("https://", "https://", "neither a host name nor an address", "")]
    public void Explain_Denied_SaysWhyAndWhatToWrite(string text, string target, string reason, string hint)
    {
        var explanation = PolicyExplainer.Explain(Policy, text);
        Assert.False(explanation.Verdict.IsAllowed);
        Assert.Equal(target, explanation.Target);
        Assert.Contains(reason, explanation.Verdict.Reason, StringComparison.Ordinal);
        Assert.StartsWith(hint, explanation.Hint, StringComparison.Ordinal);
        Assert.Equal(hint.Length == 0, explanation.Hint.Length == 0);
        Assert.Contains("denied", explanation.ToString(), StringComparison.Ordinal);
    }

    // A hint that would not do what it says is worse than none.
    [Theory]
    [InlineData("example.com")]
    [InlineData("example.com:8443")]
    [InlineData("nuget.org")]
    [InlineData("127.0.0.1:99")]
    [InlineData("[::1]:443")]
    public void Explain_HintWrittenIntoAPolicy_Allows(string text)
    {
        var line = PolicyExplainer.Explain(Policy, text).Hint["egress.allow: ".Length..];
        var result = PolicyParser.Parse($"version: 1\negress:\n  allow:\n    {line}\n", "p");
        Assert.Empty(result.Errors);
        Assert.True(PolicyExplainer.Explain(result.Policy!, text).Verdict.IsAllowed);
    }

    [Theory]
    [InlineData("http://secrets.gatehouse/anthropic/v1/messages", true, "secrets[0].allow[0] POST /v1/messages; secrets[0].allow[1] GET,HEAD /v1/**")]
    [InlineData("http://secrets.gatehouse/anthropic/v1/models?x=1", true, "secrets[0].allow[1] GET,HEAD /v1/**")]
    [InlineData("secrets.gatehouse", true, "the secrets gateway, for anthropic")]
    [InlineData("http://secrets.gatehouse/anthropic/v2", false, "no rule of the secret 'anthropic'")]
    [InlineData("http://secrets.gatehouse/other/v1", false, "only anthropic")]
    [InlineData("http://secrets.gatehouse/anthropic/v1/../v2", false, "dot segment")]
    public void Explain_Secret_NamesTheCallsThatAreAllowed(string text, bool allowed, string words)
    {
        var explanation = PolicyExplainer.Explain(Policy, text);
        Assert.Equal(allowed, explanation.Verdict.IsAllowed);
        Assert.Contains(words, explanation.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_HostileText_DoesNotReachTheTerminal()
    {
        foreach (var text in new[] { "\u001b[2J", "a\u202eb.example", new string('a', 1_000_000), "http://secrets.gatehouse/" + new string('/', 100_000), "[[[[::::", "https://[", "@", "://:@" })
        {
            var shown = PolicyExplainer.Explain(Policy, text).ToString();
            Assert.DoesNotContain(shown, c => char.IsControl(c) || c == '\u202e');
            Assert.InRange(shown.Length, 1, 1000);
        }
    }
}
