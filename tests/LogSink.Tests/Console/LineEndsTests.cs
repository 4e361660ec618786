using Gatehouse.LogSink.Console;

namespace Gatehouse.LogSink.Tests.Console;

public sealed class LineEndsTests
{
    [Theory]
    [InlineData("a\nb\n", "a\nc\n", "a\nc\n")]
    [InlineData("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n")]
    [InlineData("a\r\nb\r\n", "new\na\nb\nmore", "new\r\na\r\nb\r\nmore")]
    [InlineData("a\r\nb\nc\r\n", "a\nb\nx\nc\n", "a\r\nb\nx\r\nc\r\n")]
    [InlineData("a\nb\r\nc\nd\n", "a\nx\nb\nd\n", "a\nx\nb\r\nd\n")]
    [InlineData("a\r\nb", "b", "b")]
    [InlineData("a\r\n", "", "")]
    [InlineData("", "a\nb", "a\nb")]
    public void Text_FromABrowser_EndsItsLinesAsTheFileDid(string before, string edited, string expected) => Assert.Equal(expected, LineEnds.Keep(before, edited));

    [Fact]
    public void Diff_OfLineEnds_ShowsThem() =>
        Assert.Equal([('-', "a\r"), ('+', "a"), (' ', "b"), (' ', "")], TextDiff.Compare("a\r\nb\n", "a\nb\n"));

    [Fact]
    public void Diff_WhereAllLinesEndAlike_DoesNotShowHow() =>
        Assert.Equal([('-', "a"), ('+', "c"), (' ', "b"), (' ', "")], TextDiff.Compare("a\r\nb\r\n", "c\r\nb\r\n"));
}
