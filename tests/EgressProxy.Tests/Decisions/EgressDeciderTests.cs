using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Tls;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;
using Gatehouse.TestKit;

namespace Gatehouse.EgressProxy.Tests.Decisions;

public sealed class EgressDeciderTests
{
    private static readonly EgressPolicy s_policy = TestSession.Parse("""
        version: 1
        agent: { command: [sh] }
        egress:
          allow:
            - host: allowed.test
            - host: "*.wild.test"
            - { host: ssh.test, ports: [22] }
            - { host: both.test, ports: [80, 443, 8443] }
            - { address: 10.1.2.3/32, ports: [443, 5432] }
        """).Egress;

    [Theory]
    // A name, before anything was read
    [InlineData("allowed.test:443", "", nameof(Denial.None))]
    [InlineData("allowed.test:80", "", nameof(Denial.None))]
    [InlineData("allowed.test:8080", "", nameof(Denial.Port))]
    [InlineData("ssh.test:22", "", nameof(Denial.None))]
    [InlineData("ssh.test:443", "", nameof(Denial.Port))]
    [InlineData("evil.test:443", "", nameof(Denial.Name))]
    [InlineData("notallowed.test:443", "", nameof(Denial.Name))]
    [InlineData("a.wild.test:443", "", nameof(Denial.None))]
    [InlineData("wild.test:443", "", nameof(Denial.Name))]
    [InlineData("evil-wild.test:443", "", nameof(Denial.Name))]
    [InlineData("secrets.gatehouse:80", "", nameof(Denial.OwnName))]
    [InlineData("proxy.gatehouse:3128", "", nameof(Denial.OwnName))]
    // An address
    [InlineData("10.1.2.3:443", "", nameof(Denial.None))]
    [InlineData("10.1.2.3:80", "", nameof(Denial.RawAddress))]
    [InlineData("10.1.2.4:443", "", nameof(Denial.RawAddress))]
    [InlineData("169.254.169.254:80", "", nameof(Denial.RawAddress))]
    [InlineData("198.18.0.1:443", "", nameof(Denial.RawAddress))]
    [InlineData("127.0.0.1:443", "", nameof(Denial.RawAddress))]
    [InlineData("[::1]:443", "", nameof(Denial.RawAddress))]
    // TLS to a name
    [InlineData("allowed.test:443", "tls allowed.test", nameof(Denial.None))]
    [InlineData("allowed.test:443", "tls other.test", nameof(Denial.Disagreement))]
    [InlineData("allowed.test:443", "tls a.allowed.test", nameof(Denial.Disagreement))]
    [InlineData("allowed.test:443", "tls 10.1.2.3", nameof(Denial.Disagreement))]
    [InlineData("a.wild.test:443", "tls b.wild.test", nameof(Denial.Disagreement))]
    [InlineData("allowed.test:443", "tls", nameof(Denial.NoServerName))]
    [InlineData("allowed.test:443", "ech allowed.test", nameof(Denial.EncryptedHello))]
    [InlineData("allowed.test:443", "bad-tls", nameof(Denial.InvalidTls))]
    [InlineData("both.test:8443", "tls both.test", nameof(Denial.None))]
    [InlineData("both.test:8443", "tls evil.test", nameof(Denial.Disagreement))]
    [InlineData("both.test:8443", "tls", nameof(Denial.NoServerName))]
    [InlineData("both.test:8443", "bad-tls", nameof(Denial.InvalidTls))]
    [InlineData("both.test:8443", "other", nameof(Denial.None))]
    // TLS to an address
    [InlineData("10.1.2.3:443", "tls", nameof(Denial.None))]
    [InlineData("10.1.2.3:443", "tls 10.1.2.3", nameof(Denial.None))]
    [InlineData("10.1.2.3:443", "tls 10.1.2.4", nameof(Denial.NameOnAddress))]
    [InlineData("10.1.2.3:443", "tls allowed.test", nameof(Denial.NameOnAddress))]
    [InlineData("10.1.2.3:443", "ech", nameof(Denial.EncryptedHello))]
    [InlineData("10.1.2.3:5432", "other", nameof(Denial.None))]
    // The right protocol on the well-known ports
    [InlineData("allowed.test:443", "other", nameof(Denial.NotTls))]
    [InlineData("allowed.test:443", "http allowed.test:443", nameof(Denial.NotTls))]
    [InlineData("allowed.test:80", "other", nameof(Denial.NotHttp))]
    [InlineData("allowed.test:80", "tls allowed.test", nameof(Denial.NotHttp))]
    [InlineData("10.1.2.3:443", "other", nameof(Denial.NotTls))]
    // HTTP
    [InlineData("allowed.test:80", "http allowed.test:80", nameof(Denial.None))]
    [InlineData("allowed.test:80", "http evil.test:80", nameof(Denial.Disagreement))]
    [InlineData("allowed.test:80", "http allowed.test:8080", nameof(Denial.Disagreement))]
    [InlineData("allowed.test:80", "http 10.1.2.3:80", nameof(Denial.Disagreement))]
    // What is not granted is said first
    [InlineData("evil.test:443", "ech allowed.test", nameof(Denial.Name))]
    [InlineData("1.2.3.4:443", "tls allowed.test", nameof(Denial.RawAddress))]
    public void Attempt_IsDecided(string to, string opening, string expected)
    {
        var attempt = Attempt(to, opening);

        var decision = EgressDecider.Decide(s_policy, attempt);

        Assert.Equal(expected, decision.Denial.ToString());
        Assert.Equal(expected == nameof(Denial.None), decision.IsAllowed);
        Assert.Equal(decision.IsAllowed, decision.Rule is not null);
        Assert.Equal(decision.IsAllowed, decision.Verdict.Reason.Length == 0);
    }

    [Fact]
    public void RuleWithMethods_WhichNothingHereCanHold_Denies()
    {
        Assert.True(DomainName.TryParse("api.test", out var name));
        var policy = new EgressPolicy([new EgressRule { Name = "r", Host = new HostPattern(name, false), Ports = [80, 443], Methods = ["GET"] }]);

        Assert.Equal(Denial.NeedsInspection, EgressDecider.Decide(policy, Attempt("api.test:443", "tls api.test")).Denial);
    }

    [Fact]
    public void DefaultDecision_Denies() => Assert.False(default(Decision).IsAllowed);

    [Fact]
    public void EveryDenial_HasItsOwnWord_AndAStatusThatRefuses()
    {
        var attempt = Attempt("allowed.test:443", "");
        var denials = Enum.GetValues<Denial>().Except([Denial.None]).ToList();

        Assert.Equal(denials.Count, denials.Select(DenialText.Word).Distinct().Count());
        Assert.DoesNotContain("denied", denials.Select(DenialText.Word));
        Assert.All(denials, denial =>
        {
            Assert.InRange(DenialText.Status(denial), 400, 503);
            Assert.NotEqual("denied", DenialText.Reason(denial, attempt.To, attempt));
            Assert.NotEmpty(DenialText.Ask(denial, attempt.To));
        });
    }

    private static Attempt Attempt(string to, string opening)
    {
        Assert.True(Destination.TryParse(to, 0, out var destination));
        var parts = opening.Split(' ');
        RemoteHost? name = null;
        if (parts.Length > 1 && parts[0] is "tls" or "ech" && RemoteHost.TryParse(parts[^1], out var host))
            name = host;
        var attempt = new Attempt { Via = Way.Tcp, To = destination };
        switch (parts[0])
        {
            case "tls" or "ech":
                return attempt with
                {
                    Opening = Opening.Tls,
                    Hello = new ClientHello { ServerName = name, HasEncryptedHello = parts[0] == "ech", Protocols = [] },
                };
            case "http":
                Assert.True(Destination.TryParse(parts[1], 0, out var authority));
                return attempt with { Opening = Opening.Http, Authority = authority };
            case "bad-tls":
                return attempt with { Opening = Opening.InvalidTls };
            case "other":
                return attempt with { Opening = Opening.Other };
            default:
                return attempt;
        }
    }
}
