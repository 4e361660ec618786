using System.Text;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>Everything in a record may be what an agent wrote for the person who reads it.</summary>
[NoScriptErrors]
public sealed class HostileContentTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    private static readonly string[] s_texts =
    [
        "<img src=x onerror=\"document.title='owned'\">", "<script>document.title='owned'</script>", "\"><svg/onload=document.title='owned'>", "javascript:document.title='owned'",
        "\e[2J\e[1;31mred\e]0;owned\a", "safe\u202Egnp.exe", "zero\u200Bwidth\uFEFF", "line\u2028next\u0000nul\u0085", "{{7*7}} @(7*7) ${7*7}", new string('w', 100_000),
        "\uD83D\uDE42 fine \u0301\u0301\u0301",
    ];

    [Fact]
    public async Task Records_FullOfHostileText_AreShownAsText()
    {
        var site = shared.Site;
        var now = TimeProvider.System.GetUtcNow();
        var session = "20261124-101112-evil";
        await site.StoreAsync([site.Start(session, string.Concat(s_texts)[..2_000], now)]);
        var index = 0;
        var refused = 0;
        foreach (var text in s_texts)
        {
            var hostile = ConsoleSite.Event(Boundary.Egress, "connect", Cut(text, 2_000), VerdictKind.Denied, now.AddSeconds(index++), session) with
            {
                Reason = Cut(text, 1_000),
                Rule = Cut(text, 500),
                Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("header", Cut(text, 4_000)),
            };
            using var content = new StringContent(LogSink.Tests.Support.Sample.Lines(hostile), Encoding.UTF8, "application/x-ndjson");
            using var response = await site.Client.PostAsync("/events", content);
            refused += response.IsSuccessStatusCode ? 0 : 1;
        }

        Assert.Equal(0, refused);
        var page = await browser.SignInAsync(site);
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        page.Dialog += (_, dialog) => problems.Add(dialog.Message);
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("<img src=x onerror=");
        await page.GetByRole(AriaRole.Link, new() { Name = session, Exact = true }).ClickAsync();
        var rows = page.Locator("table.timeline tbody tr");
        await Expect(rows).ToHaveCountAsync(s_texts.Length + 1);
        foreach (var i in Enumerable.Range(0, s_texts.Length))
        {
            var button = rows.Locator("button.link").Nth(i);
            await button.ClickAsync();
            await page.Locator("tr.detail").WaitForAsync();
            Assert.Equal(0, await page.Locator("main img, main script, tr.detail svg").CountAsync());
            await button.ClickAsync();
        }

        var shown = await page.Locator("table.timeline").InnerTextAsync();
        Assert.Contains("\\u{202E}", shown, StringComparison.Ordinal);
        Assert.Contains("\\u{1B}[2J", shown, StringComparison.Ordinal);
        Assert.Contains("\\u{200B}", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown, character => character is '\u202E' or '\u200B' or '\e' or '\uFEFF' or '\u2028');
        Assert.NotEqual("owned", await page.TitleAsync());
        Assert.Empty(problems);
        await page.Context.DisposeAsync();
    }

    [Theory]
    [InlineData("sessions/%3Cimg%20src=x%20onerror=alert(1)%3E", "There is no session <img src=x onerror=alert(1)>")]
    [InlineData("sessions/--help", "There is no session --help")]
    public async Task Address_WithHostileText_IsShownAsText(string path, string heading)
    {
        var site = shared.Site;
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + path);
        await Expect(page.Locator("h1")).ToHaveTextAsync(heading);
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        await page.Context.DisposeAsync();
    }

    /// <summary>Twenty thousand records of one session: pages show a hundred, and none waits for the others.</summary>
    [Fact]
    public async Task Session_OfManyRecords_StaysAPage()
    {
        var (site, session) = await shared.FillAsync();
        await site.StoreAsync(Enumerable.Range(0, 20_000).Select(i => ConsoleSite.Event(Boundary.Dns, "query", $"name{i}.example A", VerdictKind.Denied, TimeProvider.System.GetUtcNow(), session)));
        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = session, Exact = true }).ClickAsync();
        await Expect(page.Locator("table.timeline tbody tr")).ToHaveCountAsync(100);
        await Expect(page.Locator("table.timeline tbody tr").First).ToContainTextAsync("name19999.example");
        await page.Context.DisposeAsync();
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
