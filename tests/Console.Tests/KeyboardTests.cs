using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>Every page, and what is done on it, without a pointer.</summary>
[NoScriptErrors]
public sealed class KeyboardTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    /// <summary>What has the keys.</summary>
    private const string Focused = """
        () => {
            const element = document.activeElement;
            return element === document.body ? '' : (element.innerText || element.getAttribute('aria-label') || '').trim().replace(/\s+/g, ' ');
        }
        """;

    [Fact]
    public async Task Sessions_AndOne_AreOpenedFilteredAndRead()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        // The page gives its heading the focus when it is there, which a person's keys come after.
        await HeadingFocusedAsync(page, "Sessions");
        await page.EvaluateAsync("() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }");
        var reached = await TabToAsync(page, session);
        Assert.Contains("Skip to the content", reached);
        Assert.Contains("Health", reached);
        Assert.Contains("Sign out", reached);
        await page.Keyboard.PressAsync("Enter");
        await HeadingFocusedAsync(page, "claude");
        var (rows, search) = (page.Locator("table.timeline > tbody > tr"), page.GetByLabel("Name or text"));
        // Keys that overtake what the page still fetches are not what this is about.
        await Expect(rows).ToHaveCountAsync(100);
        for (var i = 0; i < 20 && await page.EvaluateAsync<string>("() => document.activeElement?.type || ''") != "search"; i++)
            await page.Keyboard.PressAsync("Tab");
        await Expect(search).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("blocked.example");
        await Expect(search).ToHaveValueAsync("blocked.example");
        await Expect(rows).ToHaveCountAsync(1);
        // What has the focus can be seen.
        Assert.NotEqual("none", await page.EvaluateAsync<string>("() => getComputedStyle(document.activeElement).outlineStyle"));

        await TabToAsync(page, "Pause");
        await page.Keyboard.PressAsync("Space");
        await Expect(Browser.Button(page, "Resume")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Space");
        for (var i = 0; i < 5 && await page.EvaluateAsync<string>("() => document.activeElement?.getAttribute('aria-expanded') || ''") != "false"; i++)
            await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("tr.detail")).ToContainTextAsync("no rule names blocked.example");
        await TabToAsync(page, "Show changes");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("ul.changed > li")).ToHaveCountAsync(3);
        await TabToAsync(page, "/workspace/settings.ini");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("pre.diff .added")).ToHaveCountAsync(1);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Pending_IsAnswered_AndTheKeysGoOnFromThere()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await GoAsync(page, "Pending");
        var first = await site.AskAsync("first.example", session: session);
        await Expect(page.Locator("ul.asks > li")).ToHaveCountAsync(1);
        await TabToAsync(page, "Deny");
        // Pressed before anybody can have read the question, it does not count.
        var said = page.Locator("[role=status] .said");
        for (var i = 0; i < 20 && !await PendingTests.CameAsync(said); i++)
            await page.Keyboard.PressAsync("Enter");
        await Expect(said).ToContainTextAsync("first.example:443: denied");
        using var answer = JsonDocument.Parse(await site.Client.GetStringAsync($"/asks/{first}?wait=5"));
        Assert.Equal("denied", answer.RootElement.GetProperty("state").GetString());
        // Not at the top of the window, as if the page were new.
        await HeadingFocusedAsync(page, "Pending");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_IsEditedCheckedAndSaved()
    {
        var (site, _) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await GoAsync(page, "Policy");
        var text = page.Locator("textarea");
        for (var i = 0; i < 40 && await page.EvaluateAsync<string>("() => document.activeElement?.tagName") != "TEXTAREA"; i++)
            await page.Keyboard.PressAsync("Tab");
        await Expect(text).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Control+End");
        await page.Keyboard.TypeAsync("# by keyboard\n");
        await TabToAsync(page, "Check and show the diff");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("pre.diff .added")).ToContainTextAsync("# by keyboard");
        await TabToAsync(page, "Save");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".said")).ToContainTextAsync("Saved");
        Assert.EndsWith("# by keyboard\n", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Health_IsVerified_AndTheVisitEnded()
    {
        var (site, _) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await GoAsync(page, "Health");
        await TabToAsync(page, "Verify");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".said")).ToContainTextAsync("the chain is whole");
        await TabToAsync(page, "Sign out", "Shift+Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Signed out");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task ErrorOfAScript_OnAPage_IsNoticed()
    {
        var page = await browser.SignInAsync(shared.Site);
        await page.EvaluateAsync("() => { setTimeout(() => { throw new Error('noticed'); }); const script = document.createElement('script'); script.text = 'refused()'; document.head.append(script); }");
        await page.WaitForTimeoutAsync(100);
        var errors = NoScriptErrorsAttribute.Take();
        Assert.Contains(errors, error => error.Contains("noticed", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Contains("Content Security Policy", StringComparison.Ordinal));
        await page.Context.DisposeAsync();
    }

    // From the heading of a page to another page's.
    private static async Task GoAsync(IPage page, string name)
    {
        await HeadingFocusedAsync(page, "Sessions");
        await TabToAsync(page, name, "Shift+Tab");
        await page.Keyboard.PressAsync("Enter");
        await HeadingFocusedAsync(page, name);
    }

    private static async Task<List<string>> TabToAsync(IPage page, string name, string key = "Tab")
    {
        List<string> reached = [];
        for (var i = 0; i < 60; i++)
        {
            await page.Keyboard.PressAsync(key);
            reached.Add(await page.EvaluateAsync<string>(Focused));
            if (reached[^1] == name)
                return reached;
        }

        Assert.Fail($"no key leads to '{name}', but to {string.Join(", ", reached)}");
        return reached;
    }

    private static async Task HeadingFocusedAsync(IPage page, string text) =>
        await page.WaitForFunctionAsync("text => document.activeElement?.tagName === 'H1' && document.activeElement.innerText.includes(text)", text);
}
