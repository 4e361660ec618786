using Microsoft.Playwright;

namespace Gatehouse.Console.Tests;

/// <summary>Debian's Chromium. One for all tests; each has a profile of its own.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        _playwright = await Playwright.CreateAsync();
        // Its own sandbox wants what root is not given; the pages are ours.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] });
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A page that is not signed in, and that fails the test when a script does anything wrong.</summary>
    internal async Task<IPage> NewPageAsync(ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 860)
    {
        var context = await _browser!.NewContextAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = height }, ReducedMotion = ReducedMotion.Reduce });
        context.SetDefaultTimeout(15_000);
        return await context.NewPageAsync();
    }

    internal async Task<IPage> SignInAsync(ConsoleSite site, ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 860)
    {
        var page = await NewPageAsync(scheme, width, height);
        await page.GotoAsync((await site.LinkAsync()).AbsoluteUri);
        await page.WaitForURLAsync(new System.Text.RegularExpressions.Regex("/console/[0-9a-f]{32}/$"));
        await page.Locator("h1", new() { HasText = "Sessions" }).WaitForAsync();
        return page;
    }

    /// <summary>Signed in, at a session's page.</summary>
    internal async Task<IPage> OpenSessionAsync(ConsoleSite site, string session = ConsoleSite.Session)
    {
        var page = await SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = session }).ClickAsync();
        await page.Locator("h2", new() { HasText = "Timeline" }).WaitForAsync();
        return page;
    }

    /// <summary>A button of Fluent UI's: its role is not an attribute, so that it can not be asked for by it.</summary>
    internal static ILocator Button(IPage page, string text) =>
        page.Locator("fluent-button").Filter(new() { HasTextRegex = new($"^\\s*{System.Text.RegularExpressions.Regex.Escape(text)}\\s*$") });
}

[CollectionDefinition("browser")]
public sealed class BrowserTests : ICollectionFixture<Browser>;
