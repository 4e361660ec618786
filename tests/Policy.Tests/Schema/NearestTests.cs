using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Schema;

public sealed class NearestTests
{
    private static readonly string[] Known = ["host", "address", "ports", "methods", "paths", "connect", "trust", "whenUnavailable"];

    [Theory]
    [InlineData("hots", "host")]
    [InlineData("hosts", "host")]
    [InlineData("Host", "host")]
    [InlineData("port", "ports")]
    [InlineData("adress", "address")]
    [InlineData("when-unavailable", "whenUnavailable")]
    [InlineData("when_unavailable", "whenUnavailable")]
    [InlineData("xyzzy", null)]
    [InlineData("", null)]
    [InlineData("q", null)]
    public void To_Mistyped_IsTheKnownWord(string text, string? expected) => Assert.Equal(expected, Nearest.To(text, Known));

    [Fact]
    public void To_VeryLong_IsNotCompared() => Assert.Null(Nearest.To(new string('h', 100_000), Known));
}
