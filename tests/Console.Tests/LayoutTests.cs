using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What every page has about it: it scrolls, its keys go where they are sent, and what waits is said wherever somebody is.</summary>
[NoScriptErrors]
public sealed class LayoutTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task LongPage_ByWheelAndKeys_ScrollsUnderItsHeader()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await Expect(page.Locator("table.timeline tbody tr")).ToHaveCountAsync(100);
        // The component library brings styles of its own some moments after the page.
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await page.Mouse.MoveAsync(640, 600);
        await page.Mouse.WheelAsync(0, 500);
        await page.WaitForFunctionAsync("() => scrollY > 200");
        Assert.Equal(0, await page.EvaluateAsync<double>("() => document.querySelector('header').getBoundingClientRect().top"));
        await page.EvaluateAsync("() => scrollTo(0, 0)");
        await page.Keyboard.PressAsync("PageDown");
        await page.WaitForFunctionAsync("() => scrollY > 200");
        await page.Keyboard.PressAsync("End");
        await page.WaitForFunctionAsync("() => scrollY + innerHeight >= document.documentElement.scrollHeight - 2");
        Assert.Equal(0, await page.EvaluateAsync<double>("() => document.querySelector('header').getBoundingClientRect().top"));
        await page.Context.DisposeAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("#changes")]
    public async Task SkipLink_Followed_TakesTheKeysToTheContent(string fragment)
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync($"{page.Url}sessions/{session}{fragment}");
        await Expect(page.Locator("table.timeline tbody tr")).ToHaveCountAsync(100);
        await Expect(page.Locator("h1")).ToBeFocusedAsync();
        await page.Locator(".skip").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("main")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        Assert.True(await page.EvaluateAsync<bool>("() => document.activeElement !== document.body && document.querySelector('main').contains(document.activeElement)"));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task LinkToTheChanges_Followed_TakesTheKeysThere()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await page.Locator("p.facts a[href$='#changes']").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h2#changes")).ToBeFocusedAsync();
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task NewAsk_OnAnyPage_IsSaidAndInTheTitle()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var page = await browser.SignInAsync(site);
        await Expect(page).ToHaveTitleAsync("Sessions · Gatehouse");
        await site.AskAsync("new.example");
        await Expect(page.Locator("#waiting[role=status]")).ToHaveTextAsync("1 connection waits for your answer.");
        await Expect(page).ToHaveTitleAsync("(1) Sessions · Gatehouse");
        await site.AskAsync("other.example");
        await Expect(page.Locator("#waiting[role=status]")).ToHaveTextAsync("2 connections wait for your answer.");
        await page.GetByRole(AriaRole.Link, new() { Name = "Pending" }).ClickAsync();
        await Expect(page).ToHaveTitleAsync("(2) Pending · Gatehouse");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Ask_OfASession_NamesItsAgentAndSaysHowLongItWaits()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        await site.AskAsync("new.example", minutes: 9);
        await site.AskAsync("soon.example", minutes: 0.9);
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "pending");
        var asks = page.Locator("ul.asks > li");
        await Expect(asks.Filter(new() { HasText = "new.example" })).ToContainTextAsync("claude -p 'fix the tests'");
        await Expect(asks.Filter(new() { HasText = "new.example" })).ToContainTextAsync(new System.Text.RegularExpressions.Regex("8 min \\d+ s left"));
        await Expect(asks.Filter(new() { HasText = "soon.example" })).ToContainTextAsync(new System.Text.RegularExpressions.Regex("\\b\\d+ s left"));
        // One column, however wide the words are.
        var left = await asks.First.Locator("fluent-button").EvaluateAllAsync<double[]>("all => [...new Set(all.map(each => each.getBoundingClientRect().left))]");
        Assert.Equal(left.Min(), await asks.First.Locator(".ask-what").EvaluateAsync<double>("what => what.getBoundingClientRect().left"));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_WhileItIsLookedAt_CountsOnAndKeepsWhatIsWritten()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "policy");
        var never = page.Locator("tr", new() { HasText = "egress.allow[1] never.example.org" }).Locator("td.number");
        await Expect(never).ToHaveTextAsync("never");
        // The file follows who edits it elsewhere, until somebody does so here.
        await File.AppendAllTextAsync(site.Policy, "# elsewhere\n");
        await StoreAsync();
        await Expect(never).ToHaveTextAsync("1");
        await Expect(page.Locator("textarea")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("# elsewhere\n$"));
        await page.Locator("textarea").FocusAsync();
        await page.Keyboard.PressAsync("Control+End");
        await page.Keyboard.TypeAsync("# here");
        await File.AppendAllTextAsync(site.Policy, "# again\n");
        await StoreAsync();
        await Expect(never).ToHaveTextAsync("2");
        await Expect(page.Locator("textarea")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("# elsewhere\n# here$"));
        await page.Context.DisposeAsync();

        Task StoreAsync() => site.StoreAsync([ConsoleSite.Event(Boundary.Egress, "connect", "never.example.org:443", VerdictKind.Allowed, TimeProvider.System.GetUtcNow()) with { Rule = "egress.allow[1] never.example.org" }]);
    }

    [Fact]
    public async Task Record_ThatCanNotBeRead_IsSaidToBeSo()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var page = await browser.SignInAsync(site);
        await site.ChangeAsync("DROP TABLE session_gates");
        await page.GotoAsync(page.Url);
        await Expect(page.Locator("h1")).ToHaveTextAsync("This page can not be shown");
        await Expect(page.Locator("main")).ToContainTextAsync("gatehouse log verify");
        // Other pages are shown all the same.
        await page.GetByRole(AriaRole.Link, new() { Name = "Pending" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Pending");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Address_ThatIsNoPage_HasAnAnswerOfTheConsole()
    {
        var page = await browser.SignInAsync(shared.Site);
        var home = page.Url;
        await page.GotoAsync(home + "no-such-page");
        await Expect(page.Locator("h1")).ToHaveTextAsync("There is no such page");
        await page.GetByRole(AriaRole.Link, new() { Name = "All sessions" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Sessions");
        await page.Context.DisposeAsync();
    }

    /// <summary>The script shows the bar by its style alone.</summary>
    [Fact]
    public async Task ErrorBar_WhenItIsShown_StandsOutAndOnlyThen()
    {
        var page = await browser.SignInAsync(shared.Site);
        var bar = page.Locator("#blazor-error-ui");
        await Expect(bar).ToBeHiddenAsync();
        await bar.EvaluateAsync("bar => bar.style.display = 'block'");
        await Expect(bar).ToBeVisibleAsync();
        Assert.Equal("fixed", await bar.EvaluateAsync<string>("bar => getComputedStyle(bar).position"));
        Assert.Equal("alert", await bar.GetAttributeAsync("role"));
        await page.Context.DisposeAsync();
    }
}
