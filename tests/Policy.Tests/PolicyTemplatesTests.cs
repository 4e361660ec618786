using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests;

public sealed class PolicyTemplatesTests
{
    public static TheoryData<string> Names => [.. PolicyTemplates.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Template_EachKnownAgent_IsAPolicyWithoutErrors(string name) =>
        Assert.Empty(PolicyParser.Parse(PolicyTemplates.Get(name), name).Errors);

    // What stands in a comment is there to be uncommented.
    [Theory]
    [MemberData(nameof(Names))]
    public void Template_ExamplesUncommented_AreAPolicyWithoutErrors(string name)
    {
        var lines = PolicyTemplates.Get(name).Replace("allow: []", "allow:", StringComparison.Ordinal).Split('\n')
            .Select(line => line.StartsWith("  # inputs:", StringComparison.Ordinal) || line.StartsWith("  #   - ", StringComparison.Ordinal) ? "  " + line[4..] : line);
        var result = PolicyParser.Parse(string.Join('\n', lines), name);
        Assert.Empty(result.Errors);
        Assert.NotEmpty(result.Policy!.Egress.Allow);
        Assert.NotEmpty(result.Policy.Filesystem.Inputs);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Template_EachKnownAgent_AllowsNoHostUntilOneIsNamed(string name)
    {
        var policy = PolicyParser.Parse(PolicyTemplates.Get(name), name).Policy!;
        Assert.Empty(policy.Egress.Allow);
        Assert.NotEmpty(policy.Agent.Command);
        Assert.All(policy.Secrets, secret => Assert.All(secret.Expose, pair => Assert.True(pair.Value.StartsWith("{url}", StringComparison.Ordinal) || pair.Value == "placeholder")));
    }

    [Fact]
    public void Names_OfTemplates_CoverTheKnownAgents() =>
        Assert.Equal(["aider", "claude-code", "codex", "gemini-cli", "generic", "openclaw"], PolicyTemplates.Names.AsEnumerable());

    [Fact]
    public void Get_UnknownName_Throws() => Assert.Throws<ArgumentException>(() => PolicyTemplates.Get("../generic"));

    [Theory]
    [InlineData("POST", "/v1/messages", true)]
    [InlineData("POST", "/v1/messages/count_tokens", true)]
    [InlineData("GET", "/v1/models", true)]
    [InlineData("GET", "/v1/models/claude-haiku-4-5", true)]
    [InlineData("HEAD", "/", true)]
    [InlineData("POST", "/v1/messages/batches", false)]
    [InlineData("POST", "/v1/files", false)]
    [InlineData("GET", "/v1/organizations/api_keys", false)]
    [InlineData("DELETE", "/v1/models/x", false)]
    public void ClaudeCode_Calls_AreThoseOfAConversation(string method, string path, bool allowed)
    {
        var secret = Assert.Single(PolicyParser.Parse(PolicyTemplates.Get("claude-code"), "p").Policy!.Secrets);
        Assert.True(HttpPath.TryNormalize(path, out var normalized, out _));
        Assert.Equal(allowed, secret.Allow.Any(rule => rule.Methods.Contains(method) && rule.Path.IsMatch(normalized)));
        Assert.Equal("x-api-key", secret.Inject.Header);
    }

    [Theory]
    [InlineData("/home/me/work")]
    [InlineData("/home/me/it's \"odd\": #1 \\ é")]
    [InlineData("/home/me/${HO ME")]
    [InlineData("/home/me/tab\tnew\nline\u001b\u202e\u200b")]
    [InlineData("/home/me/😀 { [ & * ! | > % @ `")]
    [InlineData("/")]
    public void BuiltIn_ForAnyFolder_IsAPolicyWithThatWorkspace(string folder)
    {
        var result = PolicyParser.Parse(BuiltInPolicy.Yaml(folder), "built-in");
        Assert.Empty(result.Errors);
        var workspace = Assert.Single(result.Policy!.Filesystem.Workspaces);
        Assert.Equal(folder, workspace.Host);
        Assert.Equal("/workspace", workspace.At);
        Assert.Equal("/tmp", Assert.Single(result.Policy.Filesystem.Scratch).At);
        Assert.Empty(result.Policy.Egress.Allow);
        Assert.Empty(result.Policy.Secrets);
    }
}
