using Gatehouse.ServiceDefaults.Console;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class LineFormatterTests
{
    [Theory]
    [InlineData("plain ~ text", "plain ~ text")]
    [InlineData("", "")]
    [InlineData("naïve 漢字 🙂", "naïve 漢字 🙂")]
    [InlineData("a\r\n12:00:00 crit forged", "a\\u{D} ⏎ 12:00:00 crit forged")]
    [InlineData("\e[2J\e]0;title\a", "\\u{1B}[2J\\u{1B}]0;title\\u{7}")]
    [InlineData("\u009b31m", "\\u{9B}31m")]
    [InlineData("exe\u202Egnp", "exe\\u{202E}gnp")]
    [InlineData("zero\u200Bwidth\u2028line\u2029par", "zero\\u{200B}width\\u{2028}line\\u{2029}par")]
    [InlineData("tag\U000E0041", "tag\\u{E0041}")]
    public void Message_WithWhatTerminalsActOn_IsShownNotObeyed(string message, string shown) =>
        Assert.Equal($"00:00:00.000 info Cat[7] {shown}\n", Write(message, null));

    [Fact]
    public void Message_LoneSurrogate_BecomesTheReplacementCharacter() =>
        Assert.Equal("00:00:00.000 info Cat[7] a\uFFFDb\n", Write("a\ud800b", null));

    [Fact]
    public void Exception_ManyLines_StaysOnTheLine()
    {
        var line = Write("failed", new InvalidOperationException("first\nsecond\e[31m"));

        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        Assert.Contains("failed | System.InvalidOperationException: first ⏎ second\\u{1B}[31m", line, StringComparison.Ordinal);
    }

    private static string Write(string message, Exception? exception)
    {
        var formatter = new LineFormatter(new FakeTimeProvider(), colour: false);
        using var writer = new StringWriter();
        formatter.Write(new LogEntry<string>(LogLevel.Information, "Cat", 7, message, exception, (state, _) => state), null, writer);
        return writer.ToString();
    }
}
