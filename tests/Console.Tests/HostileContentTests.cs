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
        "\e[2J\e[1;31mred\e]0;owned\a", "safe\u202Egnp.exe", "zero\u200Bwidth\uFEFF", "line\u2028next\u0000nul\u0085", "{{7*7}} @(7*7) ${7*7}", new string('w', 2_000),
        "\uD83D\uDE42 fine \u0301\u0301\u0301", "bytes that are no text: \uFFFD\uFFFD",
    ];

    /// <summary>A megabyte of each member does not get in, and a line of as much as does is a page that can be used.</summary>
    [Fact]
    public async Task Record_OfMegabytes_IsRefusedOrShownInPart()
    {
        var (site, session) = await shared.FillAsync();
        var now = TimeProvider.System.GetUtcNow();
        var plain = ConsoleSite.Event(Boundary.Egress, "connect", "x", VerdictKind.Denied, now, session);
        var megabyte = new string('w', 1024 * 1024);
        var none = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty;
        foreach (var each in new[] { plain with { Subject = megabyte }, plain with { Reason = megabyte }, plain with { Rule = megabyte }, plain with { Action = megabyte }, plain with { Detail = none.Add("header", megabyte) } })
            Assert.Equal(System.Net.HttpStatusCode.RequestEntityTooLarge, await PostAsync(site, each));
        foreach (var each in new[] { plain with { Subject = megabyte[..2_049] }, plain with { Reason = megabyte[..4_097] }, plain with { Rule = megabyte[..2_049] }, plain with { Action = megabyte[..65] }, plain with { Detail = none.Add("header", megabyte[..4_097]) } })
            Assert.Equal(System.Net.HttpStatusCode.BadRequest, await PostAsync(site, each));

        // As much as there may be: every character six bytes on the way.
        var evil = string.Concat(Enumerable.Repeat("<\u202e\e\u200b", 1_024));
        var full = plain with
        {
            Subject = evil[..2_048],
            Reason = evil,
            Rule = evil[..2_048],
            Detail = System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, Enumerable.Range(0, 32).Select(i => KeyValuePair.Create($"{i:00}" + evil[..100], evil))),
        };
        Assert.InRange(Encoding.UTF8.GetByteCount(LogSink.Tests.Support.Sample.Lines(full)), 600_000, 1024 * 1024);
        Assert.Equal(System.Net.HttpStatusCode.OK, await PostAsync(site, full));
        var page = await browser.OpenSessionAsync(site, session);
        await page.Locator("table.timeline tbody button.link").First.ClickAsync();
        await Expect(page.Locator("tr.detail")).ToContainTextAsync("\\u{202E}");
        var shown = await page.Locator("main").InnerTextAsync();
        Assert.DoesNotContain(shown, character => character is '\u202e' or '\e' or '\u200b');
        Assert.InRange(shown.Length, 100_000, 2_000_000);
        await page.GetByLabel("Verdict").SelectOptionAsync("denied");
        await Expect(page.Locator("table.timeline > tbody > tr:not(.detail)")).ToHaveCountAsync(3);
        await page.Context.DisposeAsync();
    }

    private static async Task<System.Net.HttpStatusCode> PostAsync(ConsoleSite site, BoundaryEvent each)
    {
        using var content = new StringContent(LogSink.Tests.Support.Sample.Lines(each), Encoding.UTF8, "application/x-ndjson");
        using var response = await site.Client.PostAsync("/events", content);
        return response.StatusCode;
    }

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
        // What is shown of a part says so.
        await Expect(page.GetByText("No traffic among the session's newest 20,000 records")).ToBeVisibleAsync();
        await site.StoreAsync([ConsoleSite.Event(Boundary.Egress, "connect.end", "late.example:443", VerdictKind.Allowed, TimeProvider.System.GetUtcNow(), session) with { BytesReceived = 1_000 }]);
        await Expect(page.GetByText("Not the whole session: drawn from its newest 20,000 records")).ToBeVisibleAsync();
        await page.Locator("main").GetByRole(AriaRole.Link, new() { Name = "Policy" }).ClickAsync();
        await Expect(page.GetByText("Counted are its newest 20,000 records; it has more.")).ToBeVisibleAsync();
        await Expect(page.Locator("table tbody tr").First).ToContainTextAsync("not in these");
        await page.Context.DisposeAsync();
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
