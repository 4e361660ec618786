using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What every page has about it: it scrolls, its keys go where they are sent, and what waits is said wherever somebody is.</summary>
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
