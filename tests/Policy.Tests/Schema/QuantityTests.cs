using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Schema;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("1B", 1)]
    [InlineData("1kB", 1000)]
    [InlineData("1KB", 1000)]
    [InlineData("1KiB", 1024)]
    [InlineData("50MB", 50_000_000)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("4GiB", 4L << 30)]
    [InlineData("2GB", 2_000_000_000)]
    [InlineData("1TB", 1_000_000_000_000)]
    [InlineData("8TiB", 8L << 40)]
    [InlineData("8388607TiB", 8388607L << 40)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void TryParseSize_AsWritten_IsBytes(string text, long bytes)
    {
        Assert.True(Quantity.TryParseSize(text, out var value));
        Assert.Equal(bytes, value);
        Assert.Matches(Quantity.SizePattern, text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("B")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("-1MiB")]
    [InlineData("1.5GiB")]
    [InlineData("1 GiB")]
    [InlineData("1gib")]
    [InlineData("1G")]
    [InlineData("1Mib")]
    [InlineData("01MiB")]
    [InlineData("0x10")]
    [InlineData("1MiBB")]
    [InlineData("1KiBKiB")]
    [InlineData("8388608TiB")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999MiB")]
    public void TryParseSize_NoSize_IsRefused(string text) => Assert.False(Quantity.TryParseSize(text, out _));

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("30m", 1800)]
    [InlineData("8h", 28_800)]
    [InlineData("1h30m", 5400)]
    [InlineData("2d1h1m1s", 176_461)]
    [InlineData("0s", 0)]
    [InlineData("999999999s", 999_999_999)]
    public void TryParseDuration_AsWritten_IsSeconds(string text, long seconds)
    {
        Assert.True(Quantity.TryParseDuration(text, out var value));
        Assert.Equal(TimeSpan.FromSeconds(seconds), value);
        Assert.Matches(Quantity.DurationPattern, text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("8")]
    [InlineData("h")]
    [InlineData("8h30")]
    [InlineData("30m1h")]
    [InlineData("1h1h")]
    [InlineData("1.5h")]
    [InlineData("-1h")]
    [InlineData("1 h")]
    [InlineData("1H")]
    [InlineData("1w")]
    [InlineData("01h")]
    [InlineData("1000000000s")]
    [InlineData("99999999999999999999h")]
    public void TryParseDuration_NoDuration_IsRefused(string text) => Assert.False(Quantity.TryParseDuration(text, out _));

    [Theory]
    [InlineData("2", 2)]
    [InlineData("0.5", 0.5)]
    [InlineData("-0.25", -0.25)]
    [InlineData("10.0", 10)]
    public void TryParseDecimal_AsWritten_IsTheNumber(string text, double expected)
    {
        Assert.True(Quantity.TryParseDecimal(text, out var value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("1.2.3")]
    [InlineData("1,5")]
    [InlineData("1e3")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("--1")]
    [InlineData("+1")]
    public void TryParseDecimal_NoDecimal_IsRefused(string text) => Assert.False(Quantity.TryParseDecimal(text, out _));
}
