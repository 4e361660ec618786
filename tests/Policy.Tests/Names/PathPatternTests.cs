using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

public sealed class PathPatternTests
{
    [Theory]
    [InlineData("/v1/messages", "/v1/messages", true)]
    [InlineData("/v1/messages", "/v1/messages/", false)]
    [InlineData("/v1/messages", "/v1/Messages", false)]
    [InlineData("/v1/messages", "/v1/messagesx", false)]
    [InlineData("/v1/*", "/v1/a", true)]
    [InlineData("/v1/*", "/v1/", false)]
    [InlineData("/v1/*", "/v1", false)]
    [InlineData("/v1/*", "/v1/a/b", false)]
    [InlineData("/v1/*/c", "/v1/b/c", true)]
    [InlineData("/v1/*/c", "/v1/c", false)]
    [InlineData("/v1/a*", "/v1/a", true)]
    [InlineData("/v1/a*z", "/v1/abcz", true)]
    [InlineData("/v1/a*z", "/v1/abc/z", false)]
    [InlineData("/v1/*b*d*", "/v1/abcde", true)]
    [InlineData("/v1/*b*d*", "/v1/adcbe", false)]
    [InlineData("/**", "/", true)]
    [InlineData("/**", "/a", true)]
    [InlineData("/**", "/a/b/c", true)]
    [InlineData("/v1/**", "/v1", true)]
    [InlineData("/v1/**", "/v1/", true)]
    [InlineData("/v1/**", "/v1/a/b", true)]
    [InlineData("/v1/**", "/v10", false)]
    [InlineData("/v1/**", "/v10/a", false)]
    [InlineData("/a/**/z", "/a/z", true)]
    [InlineData("/a/**/z", "/a/b/c/z", true)]
    [InlineData("/a/**/z", "/a/b/c/zz", false)]
    [InlineData("/a/**/m/**/z", "/a/b/m/c/d/z", true)]
    [InlineData("/a/**/m/**/z", "/a/b/c/d/z", false)]
    [InlineData("**/.env", ".env", true)]
    [InlineData("**/.env", "a/b/.env", true)]
    [InlineData("**/.env", "a.env", false)]
    [InlineData("**/.env", "a/.env/b", false)]
    [InlineData("**/*.pem", "keys/server.pem", true)]
    [InlineData("**/*.pem", "keys/server.pem.txt", false)]
    [InlineData("*.pem", "a.pem", true)]
    [InlineData("*.pem", "b/a.pem", false)]
    [InlineData("**", "", true)]
    [InlineData("*", "", false)]
    [InlineData("/a?c", "/abc", false)]
    [InlineData("/a[bc]", "/ab", false)]
    [InlineData("/a.c", "/abc", false)]
    public void IsMatch_AsDocumented(string pattern, string path, bool expected)
    {
        Assert.True(PathPattern.TryParse(pattern, out var parsed, out var error), error);
        Assert.Equal(expected, parsed.IsMatch(path));
        Assert.Equal(pattern, parsed.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a**")]
    [InlineData("/**a")]
    [InlineData("/***")]
    [InlineData("/a/b**/c")]
    [InlineData("/a\0b")]
    [InlineData("/a\nb")]
    public void TryParse_NoPattern_SaysWhy(string pattern)
    {
        Assert.False(PathPattern.TryParse(pattern, out _, out var error));
        Assert.NotEqual("", error);
    }

    [Fact]
    public void TryParse_Length_IsBound()
    {
        Assert.True(PathPattern.TryParse(new string('a', PathPattern.MaxLength), out _, out _));
        Assert.False(PathPattern.TryParse(new string('a', PathPattern.MaxLength + 1), out _, out _));
    }

    [Theory]
    [InlineData("a*", "a")]
    [InlineData("*a", "a")]
    [InlineData("**/a/", "a/")]
    [InlineData("**/*a*b/", "aab/")]
    [InlineData("*/", "a/")]
    public void IsMatch_PatternMadeToBlowUp_TakesStepsLinearInPathTimesPattern(string patternPart, string pathPart)
    {
        var text = string.Concat(Enumerable.Repeat(patternPart, 1000 / patternPart.Length)) + "x";
        var path = string.Concat(Enumerable.Repeat(pathPart, HttpPath.MaxLength / pathPart.Length)) + "y";
        Assert.True(PathPattern.TryParse(text, out var pattern, out var error), error);
        var steps = 0L;
        Assert.False(pattern.IsMatch(path, ref steps));
        Assert.InRange(steps, 1, 2L * text.Length * path.Length);
    }

    // The plain recursive definition, exponential and obviously right, on small inputs.
    [Fact]
    public void IsMatch_AnySmallInput_AgreesWithTheDefinition()
    {
        var random = new Random(42);
        for (var round = 0; round < 20_000; round++)
        {
            var text = string.Join('/', Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(3) == 0 ? "**" : Pick(random, "ab*", 3).Replace("**", "*", StringComparison.Ordinal)));
            var path = string.Join('/', Enumerable.Range(0, random.Next(1, 6)).Select(_ => Pick(random, "ab", 3)));
            if (!PathPattern.TryParse(text, out var pattern, out _))
                continue;
            Assert.True(pattern.IsMatch(path) == Segments(path.Split('/'), text.Split('/')), $"{text} on {path}");
        }
    }

    private static string Pick(Random random, string from, int max) =>
        string.Concat(Enumerable.Range(0, random.Next(0, max + 1)).Select(_ => from[random.Next(from.Length)]));

    private static bool Segments(ReadOnlySpan<string> path, ReadOnlySpan<string> pattern)
    {
        if (pattern.IsEmpty)
            return path.IsEmpty;
        if (pattern[0] == "**")
            return Segments(path, pattern[1..]) || (!path.IsEmpty && Segments(path[1..], pattern));
        return !path.IsEmpty && (pattern[0] != "*" || path[0] != "") && Characters(path[0], pattern[0]) && Segments(path[1..], pattern[1..]);
    }

    private static bool Characters(ReadOnlySpan<char> text, ReadOnlySpan<char> pattern)
    {
        if (pattern.IsEmpty)
            return text.IsEmpty;
        if (pattern[0] == '*')
            return Characters(text, pattern[1..]) || (!text.IsEmpty && Characters(text[1..], pattern));
        return !text.IsEmpty && text[0] == pattern[0] && Characters(text[1..], pattern[1..]);
    }
}
