using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

public sealed class HostPatternTests
{
    [Theory]
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", "EXAMPLE.com.", true)]
    [InlineData("example.com", "www.example.com", false)]
    [InlineData("example.com", "example.com.evil", false)]
    [InlineData("*.example.com", "www.example.com", true)]
    [InlineData("*.example.com", "a.b.c.example.com", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "evil-example.com", false)]
    [InlineData("*.example.com", "evilexample.com", false)]
    [InlineData("*.example.com", "www.example.com.evil", false)]
    [InlineData("*.example.com", "www.example.co", false)]
    [InlineData("*.bücher.example", "www.xn--bcher-kva.example", true)]
    public void Matches_OnLabels(string pattern, string host, bool expected)
    {
        Assert.True(HostPattern.TryParse(pattern, out var parsed, out _));
        Assert.True(DomainName.TryParse(host, out var name));
        Assert.Equal(expected, parsed.Matches(name));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*example.com")]
    [InlineData("www.*.com")]
    [InlineData("*.*.example.com")]
    [InlineData("**.example.com")]
    [InlineData("example.*")]
    [InlineData("*.127.0.0.1")]
    public void TryParse_StarElsewhere_IsRefused(string pattern) => Assert.False(HostPattern.TryParse(pattern, out _, out _));

    [Fact]
    public void Default_MatchesNothing()
    {
        Assert.True(DomainName.TryParse("example.com", out var name));
        Assert.False(default(HostPattern).Matches(name));
        Assert.False(default(HostPattern).Matches(default));
        Assert.False(new HostPattern(default, IsWildcard: true).Matches(name));
    }
}
