using Gatehouse.AgentSandbox.CommandLine.Top;

namespace Gatehouse.AgentSandbox.Tests.CommandLine;

public sealed class TopViewTests
{
    private static RunningSession Session(string name, string command, long denied = 0) => new(name, TimeSpan.FromSeconds(75), 1, denied, 2_048, 3 << 20, command);

    private static WaitingAsk Ask(string subject) => new("0123abcd", subject, TimeSpan.FromSeconds(90), "20261124-092700-abcd");

    private static string[] Lines(int width, int height, bool colours, RunningSession[] running, params WaitingAsk[] waiting) =>
        TopView.Lines(new(DateTimeOffset.UnixEpoch, [.. running], [.. waiting]), width, height, colours);

    /// <summary>East Asian Wide (UAX #11) and emoji take two cells.</summary>
    private static int Cells(string line) => line.EnumerateRunes().Sum(rune => rune.Value is (>= 0x1100 and <= 0x115f) or (>= 0x2e80 and <= 0xa4cf) or (>= 0xac00 and <= 0xd7a3) or (>= 0xff00 and <= 0xff60) or (>= 0x1f300 and <= 0x1faff) ? 2 : 1);

    [Fact]
    public void Lines_ASessionAndAnAsk_AreTables() => Assert.Equal(
        """
        SESSION                       AGE   ALLOWED    DENIED        OUT         IN  COMMAND
        20261124-092700-abcd        1m15s         1         3      2 KiB      3 MiB  claude -p hello

        1 WAIT FOR YOU: gatehouse approve ID | deny ID
        ID        DESTINATION                                                 LEFT  SESSION
        0123abcd  api.example.org:443                                        1m30s  20261124-092700-abcd
        """, string.Join('\n', Lines(100, 30, colours: false, [Session("20261124-092700-abcd", "claude -p hello", 3)], Ask("api.example.org:443")).Select(line => line.TrimEnd())));

    [Theory]
    [InlineData("漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字")]
    [InlineData("a漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字")]
    [InlineData("🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊")]
    [InlineData("[red]markup[/] [link=https://x]y[/] [[ ]] {0} and a word after another, again and again, until the line is over")]
    public void Lines_WideText_IsCutByCells(string text)
    {
        for (var width = 20; width < 140; width++)
        {
            var lines = Lines(width, 30, colours: false, [Session(text, text)], Ask(text));
            Assert.Equal(6, lines.Length);
            Assert.All(lines, line => Assert.True(Cells(line) <= width, $"{width}: {Cells(line)} {line}"));
        }

        Assert.Contains(text[..4], string.Join('\n', Lines(120, 30, colours: false, [Session("s", text)])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 2)]
    [InlineData(100, 0, 12)]
    [InlineData(3, 100, 12)]
    [InlineData(100, 100, 12)]
    [InlineData(100, 1, 12)]
    public void Lines_MoreThanTheScreenHas_AreCounted_AndHeadingsStay(int running, int waiting, int expected)
    {
        var lines = Lines(100, 12, colours: false, [.. Enumerable.Range(0, running).Select(i => Session($"s{i}", "x"))], [.. Enumerable.Range(0, waiting).Select(i => Ask($"h{i}.test:443"))]);
        Assert.Equal(expected, lines.Length);
        Assert.StartsWith("SESSION ", lines[0], StringComparison.Ordinal);
        Assert.Equal(waiting > 0, lines.Any(line => line.StartsWith("ID  ", StringComparison.Ordinal)));
        Assert.Equal(running == 100, lines.Any(line => line.StartsWith("… and ", StringComparison.Ordinal) && lines.Count(other => other.StartsWith('s')) + Number(line) == 100));

        static int Number(string line) => int.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Lines_Coloured_HaveNoEscapeButStyles()
    {
        var lines = Lines(100, 30, colours: true, [Session("s", "[red]x[/]", denied: 1)], Ask("y:1"));
        Assert.All(lines, line => Assert.Equal(line.Count(character => character == '\u001b'), System.Text.RegularExpressions.Regex.Count(line, "\u001b\\[[0-9;]*m")));
        Assert.Contains("[red]x[/]", string.Join('\n', lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "ab…")]
    [InlineData("漢字", 4, "漢字")]
    [InlineData("漢字", 3, "漢…")]
    [InlineData("漢字", 2, "…")]
    [InlineData("a漢字", 3, "a…")]
    [InlineData("🦊🦊", 3, "🦊…")]
    [InlineData("", 3, "")]
    public void Cut_IsByCells(string text, int width, string expected) => Assert.Equal(expected, TopView.Cut(text, width));
}
