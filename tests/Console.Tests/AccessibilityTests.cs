using System.Text.Json;
using Microsoft.Playwright;

namespace Gatehouse.Console.Tests;

/// <summary>Every page, in light and dark, on a screen and on a phone: axe finds nothing, nothing is cut off, and the keyboard reaches all of it.</summary>
public sealed class AccessibilityTests(Browser browser, FullSite full) : IClassFixture<Browser>, IClassFixture<FullSite>
{
    private const string Incomplete = "sessions/20261123-090000-lost";

    private static readonly string[] s_pages = ["", "sessions/" + ConsoleSite.Session, Incomplete, "pending", "policy", "health"];

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 360)]
    public async Task Pages_CheckedWithAxe_HaveNoViolation(ColorScheme scheme, int width)
    {
        var page = await browser.SignInAsync(full.Site, scheme, width);
        var problems = new List<string>();
        var said = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" && !message.Text.Contains("404", StringComparison.Ordinal))
                said.Add(message.Text);
        };
        page.PageError += (_, error) => said.Add(error);
        var home = page.Url;
        foreach (var path in s_pages)
        {
            await page.GotoAsync(home + path);
            await page.Locator("h1").WaitForAsync();
            if (path == Incomplete)
            {
                await page.Locator("details.seal[open]").WaitForAsync();
                await page.Locator(".traffic rect").First.WaitForAsync();
            }
            else if (path.StartsWith("sessions/", StringComparison.Ordinal))
            {
                await Browser.Button(page, "Show changes").ClickAsync();
                await page.Locator("ul.changed button.link").First.ClickAsync();
                await page.Locator("pre.diff").WaitForAsync();
                await page.Locator("table.timeline tbody button.link").Nth(3).ClickAsync();
                await page.Locator("ol.waterfall").WaitForAsync();
                await page.Locator("ol.waterfall").EvaluateAsync("spans => spans.scrollIntoView({ block: 'end' })");
                await PictureAsync(page, "trace", scheme, width);
                await page.Locator("ul.changed").EvaluateAsync("files => files.scrollIntoView({ block: 'end' })");
                await PictureAsync(page, "changes", scheme, width);
                await Browser.Button(page, "Apply…").ClickAsync();
                await page.GetByRole(AriaRole.Alertdialog).WaitForAsync();
                await page.Locator("h1").ScrollIntoViewIfNeededAsync();
            }

            if (path == "health")
            {
                await Browser.Button(page, "Verify").ClickAsync();
                await page.Locator(".said").First.WaitForAsync();
                await page.Locator("td .badge.bad").WaitForAsync();
            }

            await PictureAsync(page, path == Incomplete ? "seal" : path, scheme, width);
            if (path.Length == 0)
                await page.GetByText("What Changes and Record mean").ClickAsync();
            problems.AddRange((await AxeAsync(page)).Select(problem => $"{path} {scheme} {width}: {problem}"));
            var overflow = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
            if (overflow > 0)
                problems.Add($"{path} {scheme} {width}: {overflow} pixels wider than the screen");
        }

        Assert.Empty(problems);
        Assert.Empty(said);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Keyboard_Alone_OpensASessionAndFiltersIt()
    {
        var page = await browser.SignInAsync(full.Site);
        // The page gives its heading the focus when it is there, which a person's keys come after.
        await HeadingFocusedAsync("Sessions");
        await page.EvaluateAsync("() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }");
        var reached = new List<string>();
        for (var i = 0; i < 12 && reached.LastOrDefault() != ConsoleSite.Session; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            reached.Add(await page.EvaluateAsync<string>("() => (document.activeElement?.innerText || document.activeElement?.getAttribute('aria-label') || '').trim()"));
        }

        Assert.Contains("Skip to the content", reached);
        Assert.Contains("Health", reached);
        Assert.Contains("Sign out", reached);
        Assert.Equal(ConsoleSite.Session, reached[^1]);
        await page.Keyboard.PressAsync("Enter");
        await HeadingFocusedAsync("claude");
        var (rows, search) = (page.Locator("table.timeline tbody tr"), page.GetByLabel("Name or text"));
        // Keys that overtake what the page still fetches are not what this is about.
        await Assertions.Expect(rows).ToHaveCountAsync(100);
        for (var i = 0; i < 20 && await page.EvaluateAsync<string>("() => document.activeElement?.type || ''") != "search"; i++)
            await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(search).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("blocked.example");
        await Assertions.Expect(search).ToHaveValueAsync("blocked.example");
        await Assertions.Expect(rows).ToHaveCountAsync(1);
        // What has the focus can be seen.
        Assert.NotEqual("none", await page.EvaluateAsync<string>("() => getComputedStyle(document.activeElement).outlineStyle"));
        await page.Context.DisposeAsync();

        Task HeadingFocusedAsync(string text) =>
            page.WaitForFunctionAsync("text => document.activeElement?.tagName === 'H1' && document.activeElement.innerText.includes(text)", text);
    }

    private static async Task<List<string>> AxeAsync(IPage page)
    {
        // Evaluated, not loaded: the page's own policy stays in force.
        await page.EvaluateAsync(await File.ReadAllTextAsync(AxePath()) + "\n;0");
        var result = await page.EvaluateAsync<JsonElement>("() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
        return [.. result.GetProperty("violations").EnumerateArray().Select(violation =>
            $"{violation.GetProperty("id")} ({violation.GetProperty("impact")}): {string.Join("; ", violation.GetProperty("nodes").EnumerateArray().Take(3).Select(node => node.GetProperty("html") + " " + node.GetProperty("failureSummary")))}")];
    }

    private static string AxePath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == "artifacts")
                return Path.Combine(folder.FullName, "npm/node_modules/axe-core/axe.min.js");
        }

        throw new InvalidOperationException("run ./test.sh, which installs axe-core into artifacts/npm");
    }

    // For the documentation, where a folder is named.
    private static async Task PictureAsync(IPage page, string path, ColorScheme scheme, int width)
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_SCREENSHOTS") is not { Length: > 0 } folder)
            return;
        var name = path.Split('/')[0] is { Length: > 0 } first ? first : "home";
        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{(width < 600 ? "phone" : scheme == ColorScheme.Dark ? "dark" : "light")}.png") });
    }
}
