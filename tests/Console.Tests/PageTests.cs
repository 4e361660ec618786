using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What a person does with the console, in a browser.</summary>
[NoScriptErrors]
public sealed class PageTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task Sessions_WhenOneBegins_ShowItWithoutReloading()
    {
        await using var site = await ConsoleSite.StartAsync();
        var page = await browser.SignInAsync(site);
        await Expect(page.Locator(".empty")).ToContainTextAsync("No agent has run yet");
        await site.FillAsync();
        var row = page.Locator("tbody tr").First;
        await Expect(row).ToContainTextAsync("claude -p 'fix the tests'");
        await Expect(row).ToContainTextAsync("running");
        await site.StoreAsync([ConsoleSite.Event(Boundary.Sandbox, "session.end", "claude", VerdictKind.Allowed, TimeProvider.System.GetUtcNow()) with
        {
            Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("exitCode", "3"),
        }]);
        await Expect(row).ToContainTextAsync("exit 3");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Sessions_OfExactlyAPage_HaveNoOlderOnes()
    {
        await using var site = await ConsoleSite.StartAsync();
        var time = new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
        await site.StoreAsync(Enumerable.Range(0, 100).Select(i => site.Start($"s{i:000}", "claude", time.AddSeconds(i))));
        var page = await browser.SignInAsync(site);
        var rows = page.Locator("tbody tr");
        await Expect(rows).ToHaveCountAsync(100);
        await Expect(Browser.Button(page, "Older")).ToHaveCountAsync(0);
        await site.StoreAsync([site.Start("s100", "claude", time.AddSeconds(100))]);
        await Expect(rows.First).ToContainTextAsync("s100");
        await Expect(rows).ToHaveCountAsync(100);
        await Browser.PressAsync(page, "Older");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows.First).ToContainTextAsync("s000");
        await Browser.PressAsync(page, "Newest");
        await Expect(rows.First).ToContainTextAsync("s100");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_Filters_NarrowTheTimeline()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        var rows = page.Locator("table.timeline tbody tr");
        await Expect(rows).ToHaveCountAsync(100);

        await page.GetByLabel("Verdict").SelectOptionAsync("denied");
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First).ToContainTextAsync("blocked.example:443");
        await page.GetByLabel("Gate").SelectOptionAsync("dns");
        await Expect(rows).ToHaveCountAsync(1);
        await page.GetByLabel("Verdict").SelectOptionAsync("");
        await page.GetByLabel("Gate").SelectOptionAsync("");
        await page.GetByLabel("Name or text").FillAsync("NO RULE NAMES");
        await Expect(rows).ToHaveCountAsync(2);
        await page.GetByLabel("Name or text").FillAsync("nothing-of-the-kind");
        await Expect(rows).ToHaveCountAsync(0);
        await page.GetByLabel("Name or text").FillAsync("");

        await Browser.PressAsync(page, "Older");
        await Expect(page.GetByText("older records")).ToBeVisibleAsync();
        await Expect(rows.Last).ToContainTextAsync("session.start");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_OpenedRecord_ShowsItsMembersAndTheEndOfTheAttempt()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await page.GetByLabel("Name or text").FillAsync("egress.allow[0]");
        await page.Locator("table.timeline tbody button.link").First.ClickAsync();
        var detail = page.Locator("tr.detail");
        await Expect(detail).ToContainTextAsync("0af7651916cd43dd8448eb211c80319c");
        await Expect(detail).ToContainTextAsync("connect.end");
        await Expect(detail).ToContainTextAsync("hash");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_NewRecord_AppearsAtOnce()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await site.StoreAsync([ConsoleSite.Event(Boundary.Dns, "query", "just-now.example A", VerdictKind.Denied, TimeProvider.System.GetUtcNow(), session)]);
        await Expect(page.Locator("table.timeline tbody tr").First).ToContainTextAsync("just-now.example");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task SignOut_ByItsButton_EndsTheVisit()
    {
        var site = shared.Site;
        var page = await browser.SignInAsync(site);
        var address = page.Url;
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Signed out");
        await page.GotoAsync(address);
        await Expect(page.Locator("p").First).ToContainTextAsync("You are not signed in");
        await page.Context.DisposeAsync();
    }
}
