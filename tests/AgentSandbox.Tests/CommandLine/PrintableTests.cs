using System.Text;
using Gatehouse.AgentSandbox.CommandLine;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Tests.CommandLine;

/// <summary>What an agent chose, on the terminal of the person who reviews it.</summary>
public sealed class PrintableTests
{
    [Theory]
    [InlineData("\e[2J\u202E\u200B", "\\u{1b}[2J\\u{202e}\\u{200b}")]
    [InlineData("ok\uFE00\uFE0F\U000E0100\U000E01EF", "ok\\u{fe00}\\u{fe0f}\\u{e0100}\\u{e01ef}")]
    [InlineData("a\u034F\u180B\u180F\u17B4", "a\\u{34f}\\u{180b}\\u{180f}\\u{17b4}")]
    [InlineData("\u115F\u1160\u3164\uFFA0\u2800", "\\u{115f}\\u{1160}\\u{3164}\\u{ffa0}\\u{2800}")]
    [InlineData("e\u0301 Z\u0301\u0302\u0303\u0304\u0305", "e\u0301 Z\u0301\u0302\u0303\\u{304}\\u{305}")]
    [InlineData("\u0338 plain äöü 漢字 🙂", "\\u{338} plain äöü 漢字 🙂")]
    public void Text_WithWhatIsNotSeen_IsEscaped(string text, string shown)
    {
        Assert.Equal(shown, Printable.Line(text));
        var bytes = Encoding.UTF8.GetBytes(text);
        // Controls have another escape there.
        Assert.Equal(shown.Replace("\\u{1b}", "\\x1b", StringComparison.Ordinal), SafeText.Escape(bytes));
        Assert.Equal(SafeText.Escape(bytes), SafeText.EscapeLine(bytes));
        Assert.True(SafeText.TryUnescape(SafeText.Escape(bytes), out var again));
        Assert.Equal(bytes, again);
    }

    [Fact]
    public void MarkAfterWhatIsNoText_OfALineOfADiff_StandsOnNothing() =>
        Assert.Equal("\\u{338}\t\\u{338}\\xff\\u{338}", SafeText.EscapeLine([.. "\u0338\t\u0338"u8, 0xff, .. "\u0338"u8]));
}
