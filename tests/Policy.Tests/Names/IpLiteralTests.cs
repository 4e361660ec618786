using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

public sealed class IpLiteralTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1.", "127.0.0.1")]
    [InlineData("127.1", "127.0.0.1")]
    [InlineData("127.0.1", "127.0.0.1")]
    [InlineData("0x7f.1", "127.0.0.1")]
    [InlineData("0X7F.0x0.0X0.0x1", "127.0.0.1")]
    [InlineData("0177.0.0.1", "127.0.0.1")]
    [InlineData("00000177.0.0.01", "127.0.0.1")]
    [InlineData("2130706433", "127.0.0.1")]
    [InlineData("0x7f000001", "127.0.0.1")]
    [InlineData("017700000001", "127.0.0.1")]
    [InlineData("0x00000000000000007f000001", "127.0.0.1")]
    [InlineData("0", "0.0.0.0")]
    [InlineData("0x", "0.0.0.0")]
    [InlineData("0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("4294967295", "255.255.255.255")]
    [InlineData("1.16777215", "1.255.255.255")]
    [InlineData("1.2.65535", "1.2.255.255")]
    [InlineData("169.254.169.254", "169.254.169.254")]
    [InlineData("0xa9fea9fe", "169.254.169.254")]
    [InlineData("::1", "::1")]
    [InlineData("[::1]", "::1")]
    [InlineData("0:0:0:0:0:0:0:1", "::1")]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1")]
    [InlineData("[::FFFF:7f00:1]", "127.0.0.1")]
    [InlineData("0:0:0:0:0:ffff:127.0.0.1", "127.0.0.1")]
    [InlineData("fe80::1%eth0", "fe80::1")]
    [InlineData("[fe80::1%25eth0]", "fe80::1")]
    [InlineData("64:ff9b::127.0.0.1", "64:ff9b::7f00:1")]
    public void TryParse_AnySpelling_IsTheAddress(string text, string expected)
    {
        Assert.True(IpLiteral.TryParse(text, out var address));
        Assert.Equal(IPAddress.Parse(expected), address);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("[]")]
    [InlineData("[127.0.0.1]")]
    [InlineData("[::1")]
    [InlineData("::1]")]
    [InlineData("[::1]:80")]
    [InlineData("[[::1]]")]
    [InlineData("::1/128")]
    [InlineData("127.0.0.1:80")]
    [InlineData("127.0.0.1/8")]
    [InlineData("256.0.0.1")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.65536")]
    [InlineData("1.16777216")]
    [InlineData("4294967296")]
    [InlineData("0x100000000")]
    [InlineData("99999999999999999999999999")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1..2")]
    [InlineData(".1")]
    [InlineData("1.2.3.4..")]
    [InlineData("08.0.0.1")]
    [InlineData("0x7g")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 127.0.0.1")]
    [InlineData("127.0.0.1\0")]
    [InlineData("1e3")]
    [InlineData("example.com")]
    [InlineData("dead:beef")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("::1::")]
    [InlineData("%eth0")]
    [InlineData("１２７.0.0.1")]
    [InlineData("٣.1.1.1")]
    public void TryParse_NoAddress_IsRefused(string text)
    {
        Assert.False(IpLiteral.TryParse(text, out var address));
        Assert.Equal(IPAddress.None, address);
    }

    [Fact]
    public void TryParse_VeryLong_IsRefused() => Assert.False(IpLiteral.TryParse(new string('0', 100_000), out _));
}
