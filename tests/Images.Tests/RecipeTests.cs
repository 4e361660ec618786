using Gatehouse.AgentSandbox.Images;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.Images.Tests;

public sealed class RecipeTests
{
    [Fact]
    public void Recipe_Agents_BringNodeInAFixedOrder() =>
        Assert.Equal(["AGENTS=claude-code,openclaw", "NODE=24.21.0"], ImageRecipe.BuildArguments(["openclaw", "claude-code"]));

    [Fact]
    public void Recipe_Versions_ArePinned() =>
        Assert.Equal(["AGENTS=codex", "CODEX=0.1.2", "NODE=22.12.0", "PYTHON=1"], ImageRecipe.BuildArguments(["node@22.12.0,codex@0.1.2,python"]));

    [Theory]
    [InlineData("cursor")]
    [InlineData("dotnet")]
    [InlineData("python@3")]
    [InlineData("node@")]
    [InlineData("node@1;id")]
    [InlineData("codex@latest")]
    public void Recipe_WhatItDoesNotKnow_IsRefusedByName(string item) =>
        Assert.Contains($"--with {item}", Assert.Throws<LaunchException>(() => ImageRecipe.BuildArguments([item])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Step 3/26 : RUN x", 3, 26, "RUN x")]
    [InlineData("STEP 3/26: RUN x", 3, 26, "RUN x")]
    [InlineData("#7 [3/12] RUN x", 3, 12, "RUN x")]
    [InlineData("#7 [stage-1 3/12] RUN x", 3, 12, "RUN x")]
    public void Progress_EachEnginesLine_IsRead(string line, int number, int count, string text)
    {
        Assert.True(BuildProgress.TryReadStep(line, out var n, out var c, out var t));
        Assert.Equal((number, count, text), (n, c, t));
        for (var length = 0; length < line.IndexOf('/', StringComparison.Ordinal); length++)
            Assert.False(BuildProgress.TryReadStep(line.AsSpan(0, length), out _, out _, out _));
    }
}
