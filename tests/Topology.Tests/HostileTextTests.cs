using System.Globalization;
using System.Text;
using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>
/// An agent that writes for the person who reads: escapes, marks that turn text around, bytes that are no text, and markup, as raw as a socket takes them. What the terminal is given,
/// and what exports hold, has none of it.
/// </summary>
public sealed class HostileTextTests : IAsyncLifetime
{
    /// <summary>ESC, a title, right-to-left override, zero width, NEL, a lone continuation byte, a C1 introducer, markup.</summary>
    private const string Evil = @"\x1b[2J\x1b]0;owned\x07\xe2\x80\xae\xe2\x80\x8b\xc2\x85\xff\xc2\x9b31m<img/src=x/onerror=alert(1)>";

    private EnclosureSite _site = null!;

    public async Task InitializeAsync() => _site = await EnclosureSite.CreateAsync(unprivileged: true);

    public async Task DisposeAsync() => await _site.DisposeAsync();

    private Task<CommandResult> RunAsync(params string[] arguments) => _site.Installation.RunAsync(_site.Workspace, arguments);

    [Fact]
    public async Task Text_OfAHostileAgent_IsHarmlessInTheTerminalAndInExports()
    {
        var script = $$"""
            say() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$0"; printf "$1" >&3; cat <&3 >/dev/null' "$1" "$2"; }
            say 198.18.0.1/3128 'CONNECT {{Evil}}.test:443 HTTP/1.1\r\nHost: x\r\n\r\n'
            say 198.18.0.1/3128 'CONNECT denied.test:443 HTTP/1.1\r\nHost: {{Evil}}\r\nX-Evil: {{Evil}}\r\nUser-Agent: {{Evil}}\r\n\r\n'
            say 198.18.0.1/3128 'GET http://path.test/{{Evil}} HTTP/1.1\r\nHost: path.test\r\n\r\n'
            say 198.18.0.1/3128 'GET http://coded.test/%%1b[2J%%e2%%80%%ae%%ff%%3Cimg%%3E HTTP/1.1\r\nHost: coded.test\r\n\r\n'
            say 203.0.113.9/80 'GET /{{Evil}} HTTP/1.1\r\nHost: {{Evil}}.test\r\n\r\n'
            say 203.0.113.9/80 '{{Evil}} / HTTP/1.1\r\nHost: method.test\r\n\r\n'
            say 198.18.0.1/80 'GET /api/{{Evil}} HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n'
            say 198.18.0.1/80 'GET /{{Evil}} HTTP/1.1\r\nHost: secrets.gatehouse\r\nX-Evil: {{Evil}}\r\n\r\n'
            dig +short +tries=1 +time=2 '\027[2J\226\128\174\255<img>.name.test' >/dev/null
            dig +short +tries=1 +time=2 long$(printf 'w%.0s' {1..50}).test >/dev/null
            touch -- $'\e[2J\xe2\x80\xae\xff<img>.txt' $'--help\n\e[31m'
            printf '{{Evil}}\n' > seen.txt
            sleep 3
            """;
        await File.WriteAllTextAsync(Path.Combine(_site.Workspace, "evil.sh"), script);
        Assert.Equal(0, (await RunAsync("up")).ExitCode);
        var follow = _site.Installation.Start(_site.Workspace, ["log", "--follow"]);
        CommandResult run;
        string followed;
        try
        {
            var reading = follow.StandardOutput.ReadToEndAsync();
            run = await RunAsync("run", "--", "bash", "evil.sh", "\e[2J\u202e\u200b\u0085<img src=x>", "\e]0;owned\a");
            Assert.True(run.ExitCode == 0, run.ToString());
            await _site.ExpectRecordAsync("session.end");
            await Task.Delay(500);
            follow.Kill(entireProcessTree: true);
            followed = await reading;
        }
        finally
        {
            follow.Kill(entireProcessTree: true);
            follow.Dispose();
        }

        // What was tried did come as it was: else this shows nothing. Heads with such bytes are refused before anything of them is taken over.
        var records = (await RunAsync("log", "--json", "--limit", "1000")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        foreach (var evil in new[] { "\e[2J", "\u202e", "\u0085", "\a", "<img src=x>" })
            Assert.Contains(Texts(records, "sandbox"), text => text.Contains(evil, StringComparison.Ordinal));
        Assert.Contains(Texts(records, "dns"), text => text.Contains("\\226\\128\\174\\255\\<img", StringComparison.Ordinal));
        Assert.Contains(Texts(records, "egress"), text => text.Contains("coded.test", StringComparison.Ordinal));
        Assert.InRange(Texts(records, "egress").Count(text => text == "invalid-request"), 5, 6);
        Assert.Equal(2, Texts(records, "secrets").Count(text => text == "the request is not valid HTTP"));

        AssertHarmless("run", run.Output + run.Error, "denied most: ");
        AssertHarmless("log --follow", followed, "coded.test");
        AssertHarmless("log", (await RunAsync("log", "--limit", "1000")).Output, "coded.test");
        AssertHarmless("sessions", (await RunAsync("sessions")).Output, "bash evil.sh");
        AssertHarmless("changes", (await RunAsync("changes")).Output, "img");
        AssertHarmless("changes --diff", (await RunAsync("changes", "--diff")).Output, "seen.txt");
        AssertHarmless("policy learn", (await RunAsync("policy", "learn", await SessionAsync())).Output, "no rule changes this");
        AssertHarmless("log export --format csv", (await RunAsync("log", "export", await SessionAsync(), "--format", "csv")).Output.Replace("\r\n", "\n", StringComparison.Ordinal), "coded.test");

        var exported = await RunAsync("log", "export", await SessionAsync());
        Assert.DoesNotContain(exported.Output, character => char.IsControl(character) && character != '\n');
        foreach (var line in exported.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            JsonDocument.Parse(line).Dispose();
        // Names that are no text are names all the same.
        var discarded = await RunAsync("discard");
        Assert.True(discarded.ExitCode == 0, discarded.ToString());
    }

    [Fact]
    public async Task Top_WhileAHostileAgentRuns_WritesOnlyItsOwnEscapes()
    {
        using var agent = _site.Installation.Start(_site.Workspace, ["run", "--", "bash", "-c", "sleep 30", "\e[2J\u202e\u200b\u0085<img src=x>", "\e]0;owned\a"]);
        _ = agent.StandardError.ReadToEndAsync();
        await Eventually.TrueAsync(async () => (await RunAsync("sessions")).Output.Contains("running", StringComparison.Ordinal));
        AssertHarmless("top --once", (await RunAsync("top", "--once")).Output, "bash -c sleep 30");
        using var top = _site.Installation.StartOnTerminal(_site.Workspace, "stty rows 30 cols 300", ["top"]);
        var screen = new StringBuilder();
        var buffer = new char[4096];
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!screen.ToString().Contains("sleep 30", StringComparison.Ordinal) || !screen.ToString().EndsWith("\e[J", StringComparison.Ordinal))
            screen.Append(buffer, 0, await top.StandardOutput.ReadAsync(buffer, timeout.Token));
        top.Kill(entireProcessTree: true);
        agent.Kill(entireProcessTree: true);
        await agent.WaitForExitAsync();
        var text = screen.ToString();
        foreach (var own in new[] { "\e[?1049h", "\e[?25l", "\e[?7l", "\e[H", "\e[K", "\e[J", "\e[1m", "\e[31m", "\e[0m", "\r" })
            text = text.Replace(own, "", StringComparison.Ordinal);
        AssertHarmless("top", text, "sleep 30");
    }

    private async Task<string> SessionAsync() =>
        JsonDocument.Parse((await RunAsync("sessions", "--json", "-n", "1")).Output.Split('\n')[0]).RootElement.GetProperty("session").GetString()!;

    private static IEnumerable<string> Texts(List<JsonElement> records, string gate) =>
        records.Where(record => record.GetProperty("gate").GetString() == gate).SelectMany(Texts);

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Texts(member.Value)),
        JsonValueKind.String => [element.GetString()!],
        _ => [],
    };

    /// <summary>No control but the end of a line, nothing that turns text around or has no width; and it is not empty.</summary>
    private static void AssertHarmless(string what, string text, string holds)
    {
        Assert.True(text.Contains(holds, StringComparison.Ordinal), $"{what}: {text}");
        foreach (var rune in text.EnumerateRunes())
        {
            var harmful = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            Assert.False(harmful && rune.Value != '\n', $"{what}: U+{rune.Value:X4} in {text}");
        }
    }
}
