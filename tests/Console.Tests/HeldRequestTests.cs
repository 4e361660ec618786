using System.Text.RegularExpressions;
using Gatehouse.TestKit;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>A request out of a real enclosure, held by the real gate, with a person at the console.</summary>
public sealed partial class HeldRequestTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private EnclosureSite _site = null!;
    private string _folder = "";

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: false);
        _folder = _site.CreateWorkspace("asking");
        var path = Path.Combine(_folder, "gatehouse.yaml");
        var policy = await File.ReadAllTextAsync(path);
        await File.WriteAllTextAsync(path, policy.Replace("host: \"*.wild.test\",", "host: \"*.wild.test\", ask: true,", StringComparison.Ordinal));
        await _site.Installation.RunAsync(_folder, ["up"]);
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    private Task<CommandResult> Curl(string host) =>
        _site.Installation.ScriptAsync(_folder, $"curl -sS --max-time 60 -o /dev/null -w '%{{http_code}} %{{http_connect}}' https://{host}/");

    [GeneratedRegex("http://[^ ]+/console/[^ \n]+")]
    private static partial Regex Link { get; }

    [Fact]
    public async Task Held_AllowedOrDeniedInTheBrowser_GoesOnOrIsRefused()
    {
        var printed = await _site.Installation.RunAsync(_folder, ["console"]);
        var page = await browser.NewPageAsync();
        await page.GotoAsync(Link.Match(printed.Output).Value);
        await page.GetByRole(AriaRole.Link, new() { Name = "Pending" }).ClickAsync();
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits");

        var allowed = Curl("deep.wild.test");
        await AnswerAsync(page, "Allow once", "deep.wild.test:443: allowed (once)");
        var result = await allowed;
        Assert.True(result.Output == "200 200", result.ToString());

        var denied = Curl("deep.wild.test");
        await AnswerAsync(page, "Deny", "deep.wild.test:443: denied (once)");
        result = await denied;
        Assert.True(result.Output == "000 403", result.ToString());
        await _site.ExpectRecordAsync("refused-by-person");
        Assert.Contains("\"who\":\"console\"", await _site.RecordAsync(), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    /// <summary>A click that comes with the row is nobody's answer: the page does not count it.</summary>
    private static async Task AnswerAsync(IPage page, string button, string said)
    {
        // One that was answered stays for some seconds.
        var row = page.Locator(".asks li:not(.gone)");
        await Expect(row).ToHaveCountAsync(1, new() { Timeout = 60_000 });
        for (var i = 0; !await PendingTests.CameAsync(page.Locator(".said").GetByText(said)); i++)
        {
            Assert.True(i < 20, "the answer is never taken");
            await row.Locator("fluent-button").Filter(new() { HasTextRegex = new($"^\\s*{button}\\s*$") }).ClickAsync();
        }
    }
}
