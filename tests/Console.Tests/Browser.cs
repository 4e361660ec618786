using Microsoft.Playwright;

namespace Gatehouse.Console.Tests;

/// <summary>Debian's Chromium. One for all classes that run at a time; each test has a profile of its own.</summary>
public sealed class Browser : IAsyncLifetime
{
    // Milliseconds, of what does come: on a machine that does much else, fifteen seconds are sometimes none.
    private const int Within = 45_000;

    private static readonly SemaphoreSlim s_turn = new(1);
    private static IPlaywright? s_playwright;
    private static IBrowser? s_browser;
    private static int s_users;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        await s_turn.WaitAsync();
        try
        {
            Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
            s_playwright ??= await Playwright.CreateAsync();
            // Its own sandbox wants what root is not given; the pages are ours.
            s_browser ??= await s_playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] });
            _browser = s_browser;
            Assertions.SetDefaultExpectTimeout(Within);
            s_users++;
        }
        finally
        {
            s_turn.Release();
        }
    }

    public async Task DisposeAsync()
    {
        await s_turn.WaitAsync();
        try
        {
            if (--s_users > 0)
                return;
            await s_browser!.DisposeAsync();
            s_playwright!.Dispose();
            (s_browser, s_playwright) = (null, null);
        }
        finally
        {
            s_turn.Release();
        }
    }

    /// <summary>A page that is not signed in. A class with <see cref="NoScriptErrorsAttribute"/> fails the test whose page's scripts do anything wrong.</summary>
    internal async Task<IPage> NewPageAsync(ColorScheme scheme = ColorScheme.Light, int width = 1280, int height = 860)
    {
        var context = await _browser!.NewContextAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = height }, ReducedMotion = ReducedMotion.Reduce });
        context.SetDefaultTimeout(Within);
        var page = await context.NewPageAsync();
        NoScriptErrorsAttribute.Watch(page);
        return page;
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
    internal async Task<IPage> OpenSessionAsync(ConsoleSite site, string? session = null)
    {
        var page = await SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = session ?? ConsoleSite.Session, Exact = true }).ClickAsync();
        await page.Locator("h2", new() { HasText = "Timeline" }).WaitForAsync();
        return page;
    }

    /// <summary>As a person does, who waits until the button can be pressed: to a click, a component's "disabled" means nothing.</summary>
    internal static Task PressAsync(IPage page, string text) => Button(page, text).And(page.Locator("fluent-button:not([disabled])")).First.ClickAsync();

    /// <summary>A button of Fluent UI's: its role is not an attribute, so that it can not be asked for by it.</summary>
    internal static ILocator Button(IPage page, string text) =>
        page.Locator("fluent-button").Filter(new() { HasTextRegex = new($"^\\s*{System.Text.RegularExpressions.Regex.Escape(text)}\\s*$") });
}

/// <summary>What takes notice of how long things take.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;
