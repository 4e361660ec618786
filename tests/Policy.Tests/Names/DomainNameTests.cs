using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

public sealed class DomainNameTests
{
    private static readonly string Label63 = new('a', 63);

    // 63 + 1 + 63 + 1 + 63 + 1 + 61 = 253.
    private static readonly string Name253 = $"{Label63}.{Label63}.{Label63}.{new string('b', 61)}";

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("EXAMPLE.Com", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("localhost", "localhost")]
    [InlineData("_dmarc.example.com", "_dmarc.example.com")]
    [InlineData("a_b.example.com", "a_b.example.com")]
    [InlineData("r3---sn-apo3qvuoxuxbt-j5pe.googlevideo.com", "r3---sn-apo3qvuoxuxbt-j5pe.googlevideo.com")]
    [InlineData("1.2.3.4.example", "1.2.3.4.example")]
    [InlineData("0x7f.example", "0x7f.example")]
    [InlineData("example.1a", "example.1a")]
    [InlineData("dead.beef", "dead.beef")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example")]
    public void TryParse_HostName_IsCanonical(string text, string canonical)
    {
        Assert.True(DomainName.TryParse(text, out var name, out var error));
        Assert.Equal(canonical, name.Value);
        Assert.Equal(canonical, name.ToString());
        Assert.Equal(NameError.None, error);
    }

    [Theory]
    [InlineData("", NameError.Empty)]
    [InlineData(".", NameError.Empty)]
    [InlineData("..", NameError.EmptyLabel)]
    [InlineData(".example.com", NameError.EmptyLabel)]
    [InlineData("example..com", NameError.EmptyLabel)]
    [InlineData("example.com..", NameError.EmptyLabel)]
    [InlineData("-a.com", NameError.InvalidCharacter)]
    [InlineData("a-.com", NameError.InvalidCharacter)]
    [InlineData("a b.com", NameError.InvalidCharacter)]
    [InlineData(" example.com", NameError.InvalidCharacter)]
    [InlineData("example.com\n", NameError.InvalidCharacter)]
    [InlineData("example.com\0", NameError.InvalidCharacter)]
    [InlineData("exa\0mple.com", NameError.InvalidCharacter)]
    [InlineData("example.com:443", NameError.InvalidCharacter)]
    [InlineData("user@example.com", NameError.InvalidCharacter)]
    [InlineData("example.com/", NameError.InvalidCharacter)]
    [InlineData("example%2ecom", NameError.InvalidCharacter)]
    [InlineData("*.example.com", NameError.InvalidCharacter)]
    [InlineData("127.0.0.1", NameError.IsAddress)]
    [InlineData("127.0.0.1.", NameError.IsAddress)]
    [InlineData("0x7f.1", NameError.IsAddress)]
    [InlineData("2130706433", NameError.IsAddress)]
    [InlineData("::1", NameError.IsAddress)]
    [InlineData("[::1]", NameError.IsAddress)]
    [InlineData("::ffff:127.0.0.1", NameError.IsAddress)]
    [InlineData("1.2.3.4.5", NameError.InvalidCharacter)]
    [InlineData("256.1.1.1", NameError.InvalidCharacter)]
    [InlineData("example.1", NameError.InvalidCharacter)]
    [InlineData("example.0x1f", NameError.InvalidCharacter)]
    [InlineData("example.0x", NameError.InvalidCharacter)]
    [InlineData("example.09.", NameError.InvalidCharacter)]
    public void TryParse_NotAHostName_SaysWhy(string text, NameError expected)
    {
        Assert.False(DomainName.TryParse(text, out var name, out var error));
        Assert.Equal(expected, error);
        Assert.Equal(default, name);
        Assert.Equal("", name.Value);
    }

    [Fact]
    public void TryParse_AtTheLimits_IsTaken()
    {
        Assert.True(DomainName.TryParse(Label63 + ".com", out _));
        Assert.Equal(DomainName.MaxLength, Name253.Length);
        Assert.True(DomainName.TryParse(Name253, out _));
        Assert.True(DomainName.TryParse(Name253 + ".", out _));
    }

    [Fact]
    public void TryParse_JustOutsideTheLimits_IsRefused()
    {
        Assert.False(DomainName.TryParse(Label63 + "a.com", out _, out var label));
        Assert.Equal(NameError.LabelTooLong, label);
        Assert.False(DomainName.TryParse(Name253 + "b", out _, out var name));
        Assert.Equal(NameError.TooLong, name);
        Assert.False(DomainName.TryParse(Name253 + "b.", out _, out var dotted));
        Assert.Equal(NameError.TooLong, dotted);
        Assert.False(DomainName.TryParse(new string('a', 1_000_000), out _, out var huge));
        Assert.Equal(NameError.TooLong, huge);
    }
}
