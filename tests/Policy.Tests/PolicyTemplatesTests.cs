using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests;

public sealed class PolicyTemplatesTests
{
    [Fact]
    public void Template_EachKnownAgent_IsAPolicyWithoutErrors() =>
        Assert.All(PolicyTemplates.Names, name => Assert.Empty(PolicyParser.Parse(PolicyTemplates.Get(name), name).Errors));

    [Fact]
    public void Names_OfTemplates_CoverTheKnownAgents() =>
        Assert.Equal(["aider", "claude-code", "codex", "gemini-cli", "generic", "openclaw"], PolicyTemplates.Names);

    [Theory]
    [InlineData("/home/me/work")]
    [InlineData("/home/me/it's \"odd\": #1 \\ é")]
    public void BuiltIn_ForAnyFolder_IsAPolicyWithThatWorkspace(string folder)
    {
        var result = PolicyParser.Parse(BuiltInPolicy.Yaml(folder), "built-in");
        Assert.Empty(result.Errors);
        Assert.Equal(folder, Assert.Single(result.Policy!.Filesystem.Workspaces).Host);
    }
}
