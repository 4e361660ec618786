using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.CommandLine;

namespace Gatehouse.AgentSandbox.Tests.CommandLine;

/// <summary>What an agent wrote, in a file that a spreadsheet opens.</summary>
public sealed class CsvLinesTests
{
    private static string Subject(string subject)
    {
        using var stream = new MemoryStream();
        var csv = new CsvLines(stream);
        csv.Write("{\"export\":1}"u8.ToArray());
        var hash = new string('0', 64);
        csv.Write(Encoding.UTF8.GetBytes($$"""
            {"sequence":1,"after":0,"previous":"{{hash}}","id":"01a20c3d-5d5c-73cb-8524-3b73063be035","time":"2026-11-24T06:27:57Z","session":"s1","gate":"dns","action":"query","subject":{{JsonSerializer.Serialize(subject)}},"verdict":"denied","bytesSent":0,"bytesReceived":0,"durationMs":0,"hash":"{{hash}}"}
            """));
        csv.Write("{\"records\":1}"u8.ToArray());
        var lines = Encoding.UTF8.GetString(stream.ToArray()).Split("\r\n");
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("sequence,time,session,gate,action,subject,verdict,", lines[0], StringComparison.Ordinal);
        const string Before = "1,2026-11-24T06:27:57.0000000+00:00,s1,dns,query,", After = ",denied,,,0,0,0,,01a20c3d-5d5c-73cb-8524-3b73063be035,,";
        Assert.StartsWith(Before, lines[1], StringComparison.Ordinal);
        Assert.EndsWith(After, lines[1], StringComparison.Ordinal);
        return lines[1][Before.Length..^After.Length];
    }

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("example.com A", "\"example.com A\"")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"hi\"", "\"say \"\"hi\"\"\"")]
    [InlineData("=HYPERLINK(1)", "\"'=HYPERLINK(1)\"")]
    [InlineData("  +1", "\"'  +1\"")]
    [InlineData("-1", "\"'-1\"")]
    [InlineData("@SUM", "\"'@SUM\"")]
    [InlineData("＝1", "\"'＝1\"")]
    [InlineData("\t=1", "\\u{9}=1")]
    [InlineData("a\r\n=1", "a\\u{d}\\u{a}=1")]
    [InlineData("\u001b[2J", "\\u{1b}[2J")]
    [InlineData("a\u202eb", "a\\u{202e}b")]
    public void Field_OfAnAgent_IsNeitherFormulaNorEscapeSequence(string subject, string expected) => Assert.Equal(expected, Subject(subject));
}
