using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

public sealed class HttpPathTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/v1/messages", "/v1/messages")]
    [InlineData("/v1/messages/", "/v1/messages/")]
    [InlineData("/%76%31/a", "/v1/a")]
    [InlineData("/a%2db%5f%7e%2E1", "/a-b_~.1")]
    [InlineData("/caf%c3%a9", "/caf%C3%A9")]
    [InlineData("/%f0%9f%98%80", "/%F0%9F%98%80")]
    [InlineData("/a%20b%3a", "/a%20b%3A")]
    [InlineData("/100%25", "/100%25")]
    [InlineData("/100%25zz", "/100%25zz")]
    [InlineData("/a;b=c/d", "/a;b=c/d")]
    [InlineData("/.well-known/x", "/.well-known/x")]
    [InlineData("/...", "/...")]
    [InlineData("/a..b/..c/d..", "/a..b/..c/d..")]
    [InlineData("/models/gemini-pro:generateContent", "/models/gemini-pro:generateContent")]
    [InlineData("/@scope%40x/!$&'()*+,=", "/@scope%40x/!$&'()*+,=")]
    public void TryNormalize_PlainPath_IsItsOneForm(string path, string expected)
    {
        Assert.True(HttpPath.TryNormalize(path, out var normalized, out var error), error);
        Assert.Equal(expected, normalized);
        Assert.Equal("", error);
        Assert.True(HttpPath.TryNormalize(normalized, out var again, out _));
        Assert.Equal(expected, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("v1")]
    [InlineData("http://host/v1")]
    [InlineData("/..")]
    [InlineData("/../")]
    [InlineData("/a/../b")]
    [InlineData("/a/..")]
    [InlineData("/./a")]
    [InlineData("/a/.")]
    [InlineData("/%2e%2e/a")]
    [InlineData("/%2E/a")]
    [InlineData("/.%2e/a")]
    [InlineData("/%2e./a")]
    [InlineData("/..;/a")]
    [InlineData("/..;x=y/a")]
    [InlineData("/.;/a")]
    [InlineData("/..%3b/a")]
    [InlineData("/%2e%2e;/a")]
    [InlineData("/%252e%252e/a")]
    [InlineData("/a%252fb")]
    [InlineData("/a%2fb")]
    [InlineData("/a%2Fb")]
    [InlineData("/a%5cb")]
    [InlineData("/a\\b")]
    [InlineData("/\\..\\a")]
    [InlineData("//")]
    [InlineData("//evil.example/a")]
    [InlineData("/a//b")]
    [InlineData("/a//")]
    [InlineData("/a%00")]
    [InlineData("/a\0")]
    [InlineData("/a%0d%0aX:%20y")]
    [InlineData("/a\r\n")]
    [InlineData("/a%7f")]
    [InlineData("/a\t")]
    [InlineData("/a b")]
    [InlineData("/a%")]
    [InlineData("/a%2")]
    [InlineData("/a%zz")]
    [InlineData("/a%u002e")]
    [InlineData("/%c0%ae%c0%ae/a")]
    [InlineData("/%c0%af")]
    [InlineData("/%e0%80%af")]
    [InlineData("/%ed%a0%80")]
    [InlineData("/%ff")]
    [InlineData("/%c3")]
    [InlineData("/%c3a")]
    [InlineData("/%c2%85")]
    [InlineData("/é")]
    [InlineData("/a?b")]
    [InlineData("/a#b")]
    [InlineData("/a|b")]
    [InlineData("/a\"b")]
    [InlineData("/{a}")]
    [InlineData("/[a]")]
    public void TryNormalize_WhatTwoParsersReadDifferently_IsRefused(string path)
    {
        Assert.False(HttpPath.TryNormalize(path, out var normalized, out var error));
        Assert.Equal("", normalized);
        Assert.NotEqual("", error);
    }

    [Fact]
    public void TryNormalize_Length_IsBound()
    {
        Assert.True(HttpPath.TryNormalize("/" + new string('a', HttpPath.MaxLength - 1), out _, out _));
        Assert.False(HttpPath.TryNormalize("/" + new string('a', HttpPath.MaxLength), out _, out _));
    }

    [Fact]
    public void TryNormalize_AnyPath_IsAFixedPointWithoutDotsOrDoubledSlashes()
    {
        var random = new Random(3986);
        string[] parts = ["/", "/", ".", "%2e", "%2f", "%25", "%5c", "\\", ";", "a", "2e", "%", "%c3%a9", "\0", "?"];
        for (var round = 0; round < 50_000; round++)
        {
            var path = "/" + string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => parts[random.Next(parts.Length)]));
            if (!HttpPath.TryNormalize(path, out var normalized, out _))
                continue;
            Assert.True(HttpPath.TryNormalize(normalized, out var again, out _), normalized);
            Assert.Equal(normalized, again);
            Assert.DoesNotContain("//", normalized, StringComparison.Ordinal);
            Assert.DoesNotContain(normalized.Split('/'), segment => segment is "." or "..");
            Assert.DoesNotContain("%2F", normalized, StringComparison.Ordinal);
        }
    }
}
