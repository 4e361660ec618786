using System.Text.Json;
using Microsoft.Playwright;

namespace Gatehouse.Console.Tests;

/// <summary>Every page, in light and dark, on a screen and on a phone: axe finds nothing, and nothing is cut off.</summary>
[NoScriptErrors]
public sealed class AccessibilityTests(Browser browser, FullSite full) : IClassFixture<Browser>, IClassFixture<FullSite>
{
    private const string Incomplete = "sessions/20261123-090000-lost";

    private static readonly string s_session = "sessions/" + ConsoleSite.Session;

    private static readonly string[] s_pages = ["", s_session, Incomplete, "pending", "policy", "health"];

    // Contrast hangs on the scheme, layout on the width: each is there once.
    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task Pages_CheckedWithAxe_HaveNoViolation(ColorScheme scheme, int width)
    {
        var page = await browser.SignInAsync(full.Site, scheme, width);
        var problems = new List<string>();
        var home = page.Url;
        foreach (var path in s_pages)
        {
            await page.GotoAsync(home + path);
            await page.Locator("h1").WaitForAsync();
            if (path == s_session)
            {
                await page.Locator(".traffic rect").First.WaitForAsync();
                await PictureAsync(page, "session", scheme, width);
            }

            if (path == Incomplete)
            {
                await page.Locator("details.seal[open]").WaitForAsync();
                await page.Locator(".traffic rect").First.WaitForAsync();
            }
            else if (path.StartsWith("sessions/", StringComparison.Ordinal))
            {
                await Browser.PressAsync(page, "Show changes");
                await page.Locator("ul.changed button.link").First.ClickAsync();
                await page.Locator("pre.diff").WaitForAsync();
                await page.Locator("table.timeline tbody button.link").Nth(3).ClickAsync();
                await page.Locator("ol.waterfall").WaitForAsync();
                await page.Locator("ol.waterfall").EvaluateAsync("spans => spans.scrollIntoView({ block: 'end' })");
                await PictureAsync(page, "trace", scheme, width);
                await page.Locator("ul.changed").EvaluateAsync("files => files.scrollIntoView({ block: 'end' })");
                await PictureAsync(page, "changes", scheme, width);
                await Browser.PressAsync(page, "Apply…");
                await page.GetByRole(AriaRole.Alertdialog).WaitForAsync();
                await page.Locator("h1").ScrollIntoViewIfNeededAsync();
            }

            if (path == "policy")
            {
                await Browser.PressAsync(page, "Add to the edit below");
                await page.Locator("pre.diff .added").First.WaitForAsync();
                await page.Locator("h1").ScrollIntoViewIfNeededAsync();
            }

            if (path == "health")
            {
                await Browser.PressAsync(page, "Verify");
                await page.Locator(".said").First.WaitForAsync();
                await page.Locator("td .badge.bad").WaitForAsync();
            }

            if (path != s_session)
                await PictureAsync(page, path == Incomplete ? "seal" : path.Length == 0 ? "sessions" : path, scheme, width);
            if (path == "policy")
            {
                await page.Locator("pre.diff").EvaluateAsync("diff => diff.scrollIntoView({ block: 'center' })");
                await PictureAsync(page, "edit", scheme, width);
            }

            if (path.Length == 0)
                await page.GetByText("What Changes and Record mean").ClickAsync();
            problems.AddRange(await ProblemsAsync(page, $"{path} {scheme} {width}"));
        }

        Assert.True(problems.Count == 0, string.Join("\n", problems));
        await page.Context.DisposeAsync();
    }

    /// <summary>What is seen before there is a record, when something is wrong, and without being signed in.</summary>
    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task RarePages_CheckedWithAxe_HaveNoViolation(ColorScheme scheme, int width)
    {
        await using var site = await ConsoleSite.StartAsync();
        var (page, problems) = (await browser.SignInAsync(site, scheme, width), new List<string>());
        var home = page.Url;
        foreach (var path in new[] { "", "pending", "policy", "health", "no-such-page", "sessions/no-such-session" })
        {
            await page.GotoAsync(home + path);
            await page.Locator("h1").WaitForAsync();
            problems.AddRange(await ProblemsAsync(page, $"empty {path}"));
        }

        await site.FillAsync(spans: false);
        await page.GotoAsync(home + "policy");
        var text = page.Locator("textarea");
        await text.FillAsync((await text.InputValueAsync()).Replace("egress:", "egres:", StringComparison.Ordinal));
        await Browser.PressAsync(page, "Check and show the diff");
        await page.Locator(".errors").WaitForAsync();
        await page.Locator("pre.diff").WaitForAsync();
        problems.AddRange(await ProblemsAsync(page, "policy with errors"));
        await site.ChangeAsync("UPDATE events SET subject = 'x' WHERE sequence = 7");
        await page.GotoAsync(home + "health");
        await Browser.PressAsync(page, "Verify");
        await page.Locator(".said[role=alert]").WaitForAsync();
        problems.AddRange(await ProblemsAsync(page, "broken chain"));
        await PictureAsync(page, "broken", scheme, width, site.Folder);
        await page.Context.DisposeAsync();

        var stranger = await browser.NewPageAsync(scheme, width);
        await stranger.GotoAsync(home);
        await Assertions.Expect(stranger.Locator("p").First).ToContainTextAsync("You are not signed in");
        problems.AddRange(await ProblemsAsync(stranger, "refused"));
        // The page that signs in goes on by itself: here it stays, to be looked at.
        await stranger.RouteAsync("**/sign-in?*", async route =>
        {
            var answer = await route.FetchAsync();
            await route.FulfillAsync(new() { Response = answer, Body = (await answer.TextAsync()).Replace("http-equiv=\"refresh\"", "", StringComparison.Ordinal) });
        });
        await stranger.GotoAsync((await site.LinkAsync()).AbsoluteUri);
        await Assertions.Expect(stranger.Locator("h1")).ToHaveTextAsync("Signed in");
        problems.AddRange(await ProblemsAsync(stranger, "sign-in"));
        await PictureAsync(stranger, "sign-in", scheme, width, site.Folder);
        Assert.True(problems.Count == 0, string.Join("\n", problems));
        await stranger.Context.DisposeAsync();
    }

    private static async Task<IEnumerable<string>> ProblemsAsync(IPage page, string name)
    {
        var found = await AxeAsync(page);
        var overflow = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (overflow > 0)
            found.Add($"{overflow} pixels wider than the screen");
        return found.Select(problem => $"{name}: {problem}");
    }

    private static async Task<List<string>> AxeAsync(IPage page)
    {
        // What is disabled may be faint (WCAG 1.4.3): axe does not see that a component's text is.
        // Evaluated, not loaded: the page's own policy stays in force.
        await page.EvaluateAsync(await File.ReadAllTextAsync(AxePath()) + "\n;0");
        var result = await page.EvaluateAsync<JsonElement>("() => axe.run({ exclude: [['fluent-button[disabled]']] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
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

    private Task PictureAsync(IPage page, string name, ColorScheme scheme, int width) => PictureAsync(page, name, scheme, width, full.Site.Folder);

    // For the documentation, where a folder is named.
    private static async Task PictureAsync(IPage page, string name, ColorScheme scheme, int width, string site)
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_SCREENSHOTS") is not { Length: > 0 } folder)
            return;
        // Where a person has such files, not where a test does.
        await page.EvaluateAsync("""
            site => {
                const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (texts.nextNode())
                    texts.currentNode.data = texts.currentNode.data.replaceAll(site + '/log', '/home/me/.local/state/gatehouse').replaceAll(site, '/home/me/project');
            }
            """, site);
        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{(scheme, width) switch { (ColorScheme.Light, < 600) => "phone", (_, < 600) => "phone-dark", (ColorScheme.Light, _) => "light", _ => "dark" }}.png") });
    }
}
