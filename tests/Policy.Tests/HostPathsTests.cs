namespace Gatehouse.Policy.Tests;

public sealed class HostPathsTests
{
    [Theory]
    [InlineData("~", "/home/me")]
    [InlineData("~/", "/home/me")]
    [InlineData("~/docs", "/home/me/docs")]
    [InlineData("~/../other", "/home/other")]
    [InlineData("~docs", "/work/~docs")]
    [InlineData(".", "/work")]
    [InlineData("./a/../b/", "/work/b")]
    [InlineData("..", "/")]
    [InlineData("../../..", "/")]
    [InlineData("/abs//path/.", "/abs/path")]
    [InlineData("/", "/")]
    public void Expand_AsWritten_IsAbsoluteAndNormal(string text, string expected) =>
        Assert.Equal(expected, HostPaths.Expand(text, "/work", "/home/me"));
}
