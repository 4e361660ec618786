using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>A session that does much is read all the same: nothing moves away from who reads it.</summary>
[NoScriptErrors]
public sealed class PauseTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task Timeline_Paused_StaysUntilItGoesOn()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        var (rows, status) = (page.Locator("table.timeline > tbody > tr"), page.Locator(".filters [role=status]"));
        await Expect(rows).ToHaveCountAsync(100);
        await Browser.PressAsync(page, "Pause");
        await Expect(status).ToContainTextAsync("paused");
        var first = await rows.First.InnerTextAsync();
        var chart = await page.Locator("svg.chart").InnerHTMLAsync();
        await StoreAsync(site, session, 0, 7);
        await Expect(Browser.Button(page, "Resume (7 new)")).ToBeVisibleAsync();
        await StoreAsync(site, session, 7, 5);
        await Expect(Browser.Button(page, "Resume (12 new)")).ToBeVisibleAsync();
        Assert.Equal(first, await rows.First.InnerTextAsync());
        Assert.Equal(chart, await page.Locator("svg.chart").InnerHTMLAsync());
        await Expect(page.Locator("p.facts")).ToContainTextAsync("2 denied");

        // By keyboard, and the key stays where it is.
        await Browser.Button(page, "Resume (12 new)").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(rows.First).ToContainTextAsync("busy11.example");
        await Expect(rows).ToHaveCountAsync(100);
        await Expect(page.Locator("p.facts")).ToContainTextAsync("14 denied");
        await Expect(status).ToContainTextAsync("live");
        await Expect(Browser.Button(page, "Pause")).ToBeFocusedAsync();
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task OpenedRecord_WhenHundredsFollow_StaysOpen()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        var rows = page.Locator("table.timeline > tbody > tr");
        await Expect(rows).ToHaveCountAsync(100);
        var row = rows.Nth(90);
        var text = await row.InnerTextAsync();
        await row.Locator("button.link").ClickAsync();
        var detail = page.Locator("tr.detail");
        await Expect(detail).ToBeVisibleAsync();
        await StoreAsync(site, session, 0, 60);
        await StoreAsync(site, session, 60, 100);
        await Expect(Browser.Button(page, "Resume (100+ new)")).ToBeVisibleAsync();
        await Expect(page.Locator(".filters [role=status]")).ToContainTextAsync("held while a record is open");
        await Expect(detail).ToContainTextAsync("hash");
        Assert.Equal(text, await row.InnerTextAsync());
        // Closed, the timeline goes on by itself.
        await row.Locator("button.link").ClickAsync();
        await Expect(rows.First).ToContainTextAsync("busy159.example");
        await Expect(detail).ToHaveCountAsync(0);
        await Expect(rows).ToHaveCountAsync(100);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task RunningSession_WhileNothingHappens_SaysHowLongItRuns()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.StoreAsync([site.Start(ConsoleSite.Session, "claude", TimeProvider.System.GetUtcNow().AddSeconds(-61))]);
        var page = await browser.SignInAsync(site);
        var lasted = page.Locator("td[data-label=Lasted]");
        var was = await lasted.InnerTextAsync();
        Assert.StartsWith("1 min ", was, StringComparison.Ordinal);
        await Expect(lasted).Not.ToHaveTextAsync(was);
        await page.GetByRole(AriaRole.Link, new() { Name = ConsoleSite.Session, Exact = true }).ClickAsync();
        var facts = page.Locator("p.facts");
        await Expect(facts).ToContainTextAsync("1 min ");
        was = await facts.InnerTextAsync();
        await Expect(facts).Not.ToHaveTextAsync(was, new() { UseInnerText = true });
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Record_OfAnotherDay_SaysWhich()
    {
        await using var site = await ConsoleSite.StartAsync();
        var began = new DateTimeOffset(2026, 11, 24, 23, 59, 58, TimeSpan.Zero);
        await site.StoreAsync([site.Start(ConsoleSite.Session, "claude", began), ConsoleSite.Event(Boundary.Dns, "query", "late.example A", VerdictKind.Denied, began.AddSeconds(3))]);
        var page = await browser.OpenSessionAsync(site);
        var times = page.Locator("table.timeline > tbody button.link");
        await Expect(times).ToHaveTextAsync(["2026-11-25 00:00:01.000", "23:59:58.000"]);
        await Expect(page.Locator("table.timeline th").First).ToHaveTextAsync("Time, UTC");
        await times.First.ClickAsync();
        await Expect(page.Locator("tr.detail")).ToContainTextAsync("2026-11-25 00:00:01.000000 UTC");
        await page.Context.DisposeAsync();
    }

    private static Task StoreAsync(ConsoleSite site, string session, int from, int count) =>
        site.StoreAsync(Enumerable.Range(from, count).Select(i => ConsoleSite.Event(Boundary.Dns, "query", $"busy{i}.example A", VerdictKind.Denied, TimeProvider.System.GetUtcNow(), session) with { BytesSent = 5_000_000 }));
}
