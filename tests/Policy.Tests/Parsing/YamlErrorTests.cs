namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Errors of the text itself, and of YAML that Gatehouse does not take.</summary>
public sealed class YamlErrorTests
{
    [Theory]
    [InlineData("»", "is empty", "version: 1")]
    [InlineData("»\n\n# only a comment\n", "is empty", "version: 1")]
    [InlineData("version: 1\negress: { allow: [ »}", "not YAML", "brackets")]
    [InlineData("version: 1\nagent: { command: [»\"x", "not YAML", "quotes")]
    [InlineData("version: 1\n»---\nversion: 1\n", "second document", "one document")]
    [InlineData("»%YAML 1.1\n---\nversion: 1\n", "directive", "'%'")]
    [InlineData("version: 1\negress: »&a { allow: [] }", "anchor", "Remove it")]
    [InlineData("version: 1\negress: { allow: [{ host: »*.nuget.org }] }", "alias", "\"*.nuget.org\"")]
    [InlineData("version: 1\nfilesystem: { hide: [»**/.env] }", "alias", "\"**/.env\"")]
    [InlineData("version: »!!int 1", "tag", "Remove it")]
    [InlineData("version: 1\negress: »!x { allow: [] }", "tag", "Remove it")]
    [InlineData("version: 1\n»version: 1", "written twice, first on line 1", "Keep one")]
    [InlineData("version: 1\nagent: { environment: { A: x, »A: y } }", "written twice", "Keep one")]
    [InlineData("version: 1\n»<<: {}", "Unknown key '<<'", "Merge keys")]
    [InlineData("version: 1\n»[a]: b", "A key must be a word", "quotes")]
    [InlineData("version: 1\nagent: { command: [»\u202Ex] }", "U+202E", "escape")]
    [InlineData("version: 1\nagent: { command: [»\u200Bx] }", "U+200B", "escape")]
    [InlineData("version: 1»\u0085", "U+0085", "escape")]
    [InlineData("version: 1\r\nagent: »\0", "U+0000", "Remove it")]
    [InlineData("version: 1\nagent: { command: [»\uFFFD] }", "U+FFFD", "escape")]
    [InlineData("version: 1\nagent: { command: [a, »\"\\0\"] }", "NUL", "Remove it")]
    public void Parse_TextThatIsNoPolicy_SaysWhere(string marked, string message, string fix) => MarkedPolicy.AssertError(marked, message, fix);

    // Not in the table above: attributes can not hold half a character.
    [Fact]
    public void Parse_HalfACharacter_SaysWhere() => MarkedPolicy.AssertError("version: 1\nagent: { command: [»\ud800] }", "U+D800", "escape");

    [Theory]
    [InlineData("version: 1\n---\n")]
    [InlineData("---\nversion: 1\n...\n")]
    [InlineData("\uFEFFversion: 1")]
    [InlineData("version: 1\r\negress:\r\n  allow: []\r\n")]
    [InlineData("# a comment\nversion: 1 # another\n")]
    [InlineData("{ \"version\": 1, \"egress\": { \"allow\": [ { \"host\": \"a.example\", \"ports\": [ 443 ] } ] } }")]
    public void Parse_YamlInItsOtherForms_IsTaken(string yaml)
    {
        var errors = Policy.Parsing.PolicyParser.Parse(yaml, "p").Errors;
        if (yaml.EndsWith("---\n", StringComparison.Ordinal))
            Assert.Single(errors);
        else
            Assert.Empty(errors);
    }

    [Fact]
    public void Parse_NestedBeyondTheLimit_IsRefusedWhereItGetsTooDeep()
    {
        var deep = MarkedPolicy.SingleError("version: 1\nx: " + new string('[', 16) + "»" + new string('[', 100_000));
        Assert.Contains("nested", deep.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_LargerThanTheLimit_IsRefused()
    {
        var padding = new string('#', Policy.Parsing.PolicyParser.MaxBytes - "version: 1 ".Length);
        Assert.Empty(Policy.Parsing.PolicyParser.Parse("version: 1 " + padding, "p").Errors);
        Assert.Contains("larger than 4 MiB", Policy.Parsing.PolicyParser.Parse("version: 1 #" + padding, "p").Errors[0].Message, StringComparison.Ordinal);
        var wide = new string('é', Policy.Parsing.PolicyParser.MaxBytes / 2);
        Assert.Contains("larger than 4 MiB", Policy.Parsing.PolicyParser.Parse("version: 1 #" + wide, "p").Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_BillionLaughs_IsRefusedWithoutBeingExpanded()
    {
        var yaml = "version: 1\na: &a [x,x,x]\n" + string.Concat(Enumerable.Range('b', 20).Select(c => $"{(char)c}: &{(char)c} [*{(char)(c - 1)},*{(char)(c - 1)},*{(char)(c - 1)}]\n"));
        Assert.NotEmpty(Policy.Parsing.PolicyParser.Parse(yaml, "p").Errors);
    }

    [Fact]
    public void Parse_MoreErrorsThanAnybodyReads_ShowsTheFirstAndCountsTheRest()
    {
        var yaml = "version: 1\n" + string.Concat(Enumerable.Range(0, 250).Select(i => $"k{i}: 1\n"));
        var errors = Policy.Parsing.PolicyParser.Parse(yaml, "p").Errors;
        Assert.Equal(101, errors.Length);
        Assert.Equal(2, errors[0].Line);
        Assert.Equal("There are 150 more errors", errors[^1].Message);
    }

    [Fact]
    public void Parse_HostileText_DoesNotReachTheTerminal()
    {
        var error = MarkedPolicy.SingleError("version: 1\n»\"\\e[2J\\u202e" + new string('x', 5000) + "\": 1");
        Assert.DoesNotContain(error.Message, c => char.IsControl(c) || c == '\u202e');
        Assert.True(error.Message.Length < 200);
    }
}
