using Gatehouse.LogSink.Console;

namespace Gatehouse.LogSink.Tests.Console;

/// <summary>What an agent chose, on the page of the person who reviews it.</summary>
public sealed class VisibleTests
{
    [Theory]
    [InlineData("\e[2J\u202E\u200B\t", "\\u{1B}[2J\\u{202E}\\u{200B}\\u{9}")]
    [InlineData("ok\uFE00\uFE0F\U000E0100\U000E01EF", "ok\\u{FE00}\\u{FE0F}\\u{E0100}\\u{E01EF}")]
    [InlineData("a\u034F\u180B\u180F\u17B4", "a\\u{34F}\\u{180B}\\u{180F}\\u{17B4}")]
    [InlineData("\u115F\u1160\u3164\uFFA0\u2800\u00A0", "\\u{115F}\\u{1160}\\u{3164}\\u{FFA0}\\u{2800}\\u{A0}")]
    [InlineData("e\u0301 Z\u0301\u0302\u0303\u0304\u0305", "e\u0301 Z\u0301\u0302\u0303\\u{304}\\u{305}")]
    [InlineData("\u0338 plain äöü 漢字 🙂", "\\u{338} plain äöü 漢字 🙂")]
    public void Text_WithWhatIsNotSeen_IsEscaped(string text, string shown) => Assert.Equal(shown, Visible.Text(text));

    [Theory]
    [InlineData("\tif (x)\t{", "\tif (x)\t{")]
    [InlineData("+\t\u0338\r\n", "+\t\\u{338}\\u{D}\\u{A}")]
    public void Line_OfAFile_KeepsItsTabs(string text, string shown) => Assert.Equal(shown, Visible.Line(text, 100));

    [Theory]
    [InlineData("a\nb\tc", "a\nb\\u{9}c")]
    public void Text_AsAWhole_KeepsItsLines(string text, string shown) => Assert.Equal(shown, Visible.Text(text, Visible.Whole));
}
