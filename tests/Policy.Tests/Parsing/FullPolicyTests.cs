using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Filesystem;
using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.Policy.Tests.Parsing;

public sealed class FullPolicyTests
{
    private static readonly AgentPolicy Policy = Parse();

    [Fact]
    public void Agent_EveryKey_IsCarried()
    {
        var agent = Policy.Agent;
        Assert.Equal(["claude", "--print"], agent.Command.AsEnumerable());
        Assert.Equal(Isolation.Docker, agent.Isolation);
        Assert.Equal("gatehouse/agent", agent.Image);
        Assert.Equal("runsc", agent.Runtime);
        Assert.Equal(new AgentLimits(4L << 30, 512, 1.5, TimeSpan.FromMinutes(90)), agent.Limits);
        var published = Assert.Single(agent.Publish);
        Assert.Equal(18789, published.Inside);
        Assert.Equal("127.0.0.1:18789", published.Host.ToString());
    }

    [Theory]
    [InlineData("TERM", "${TERM}")]
    [InlineData("EMPTY", "")]
    [InlineData("SWITCH", "on")]
    [InlineData("ANSWER", "no")]
    [InlineData("PRICE", "1.10")]
    [InlineData("LD_PRELOAD", "x.so")]
    public void Environment_AnyScalar_IsItsText(string name, string value) => Assert.Equal(value, Policy.Agent.Environment[name]);

    [Fact]
    public void Filesystem_EveryKey_IsCarried()
    {
        var filesystem = Policy.Filesystem;
        Assert.Equal([new InputMount("~/docs", "/docs")], filesystem.Inputs.AsEnumerable());
        Assert.Equal(
            [new WorkspaceMount(".", "/workspace", WorkspaceMode.Overlay), new WorkspaceMount("../other", "/other", WorkspaceMode.Worktree)],
            filesystem.Workspaces.AsEnumerable());
        Assert.Equal([new ScratchMount("/tmp", 512L << 20)], filesystem.Scratch.AsEnumerable());
        Assert.Equal(["**/.env", "**/.env.*", "**/*.pem"], filesystem.Hide.Select(pattern => pattern.Text));
    }

    [Fact]
    public void Egress_EveryKey_IsCarried()
    {
        var rules = Policy.Egress.Allow;
        Assert.Equal(
            [
                "egress.allow[0] api.github.com", "egress.allow[1] *.nuget.org", "egress.allow[2] registry.npmjs.org",
                "egress.allow[3] github.com", "egress.allow[4] 10.1.2.3/32", "egress.allow[5] demo.test",
            ],
            rules.Select(rule => rule.Name));
        Assert.Equal([443, 80], rules[0].Ports.AsEnumerable());
        Assert.Equal(["GET", "HEAD"], rules[2].Methods.AsEnumerable());
        Assert.Equal("/**", Assert.Single(rules[2].Paths).Text);
        Assert.Equal([false, false, true, false, false, false], rules.Select(rule => rule.IsInspected));
        Assert.Equal("127.0.0.1:8443", rules[5].Connect!.ToString());
        Assert.Equal("ca.pem", rules[5].Trust);
        Assert.Equal([22, 80, 443, 5432], Policy.Egress.Ports.AsEnumerable());
    }

    [Fact]
    public void Secrets_EveryKey_IsCarried()
    {
        var secret = Assert.Single(Policy.Secrets);
        Assert.Equal("anthropic", secret.Name);
        Assert.Equal("https://api.anthropic.com/", secret.Upstream.AbsoluteUri);
        Assert.Equal(new SecretSource(SecretScheme.Env, "ANTHROPIC_API_KEY"), secret.From);
        Assert.Equal(new SecretInjection("x-api-key", "{secret}"), secret.Inject);
        Assert.Equal("{url}", secret.Expose["ANTHROPIC_BASE_URL"]);
        Assert.Equal(new SecretLimits(60, 50L << 20, 2_000_000), secret.Limits);
        Assert.Equal("anthropic.pem", secret.Trust);
        Assert.Equal("secrets[0].allow[0] POST /v1/messages", secret.Allow[0].Rule);
        Assert.Null(secret.Allow[0].Query);
        Assert.Equal(["claude-haiku-*"], secret.Allow[0].Body["model"].Globs.AsEnumerable());
        Assert.Equal(8192, secret.Allow[0].Body["max_tokens"].Max);
        Assert.Equal(["GET", "HEAD"], secret.Allow[1].Methods.AsEnumerable());
        Assert.Equal(["2023-*"], secret.Allow[1].Headers["anthropic-version"].AsEnumerable());
        Assert.Equal(["true", "false"], secret.Allow[1].Query!["beta"].AsEnumerable());
    }

    [Fact]
    public void Rest_EveryKey_IsCarried()
    {
        Assert.Equal(["bash", "git", "/usr/bin/rg"], Policy.AllowedCommands.AsEnumerable());
        Assert.Equal(WhenUnavailable.Spool, Policy.WhenUnavailable);
    }

    [Fact]
    public void PolicyOfOneLine_EveryDefault_Denies()
    {
        var policy = PolicyParser.Parse("version: 1", "p").Policy!;
        Assert.Empty(policy.Egress.Allow);
        Assert.Empty(policy.Secrets);
        Assert.Empty(policy.Agent.Command);
        Assert.Empty(policy.Filesystem.Workspaces);
        Assert.Equal(Isolation.Bubblewrap, policy.Agent.Isolation);
        Assert.Equal(new AgentLimits(null, null, null, null), policy.Agent.Limits);
        Assert.True(policy.AllowedCommands.IsDefault);
        Assert.Equal(WhenUnavailable.Deny, policy.WhenUnavailable);
    }

    private static AgentPolicy Parse()
    {
        var result = PolicyParser.Parse(FullPolicy.Yaml, "gatehouse.yaml", PolicyFeatures.All);
        Assert.Empty(result.Errors);
        return result.Policy!;
    }
}
