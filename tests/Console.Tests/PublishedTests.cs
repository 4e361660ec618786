using System.Diagnostics;
using Gatehouse.TestKit;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>The console out of a folder that was published, as images have it: nothing of the build's machine is needed.</summary>
[NoScriptErrors]
public sealed class PublishedTests(Browser browser) : IClassFixture<Browser>
{
    // The second page asks whether what the first one got is still good.
    private static readonly int[] s_served = [200, 304];

    [Fact]
    public async Task Console_Published_IsStyledAndAlive()
    {
        using var folder = new TempFolder();
        await PublishAsync(folder.Path);
        // Started with "/" as its working directory.
        await using var site = await ConsoleSite.StartFromAsync(folder.Path);
        await site.FillAsync();
        var page = await browser.NewPageAsync();
        var answers = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        page.Response += (_, response) => answers[new Uri(response.Url).AbsolutePath.Split('/')[^1]] = response.Status;
        await page.GotoAsync((await site.LinkAsync()).AbsoluteUri);
        await page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = ConsoleSite.Session }).ClickAsync();
        await Expect(page.Locator("table.timeline > tbody > tr")).ToHaveCountAsync(100);
        Assert.Contains(answers["console.css"], s_served);
        Assert.Contains(answers["blazor.web.js"], s_served);
        Assert.Contains(answers["Microsoft.FluentUI.AspNetCore.Components.bundle.scp.css"], s_served);
        Assert.DoesNotContain(answers, answer => answer.Value >= 400);

        // Ours has a say in how the bar looks, and Fluent UI's scripts make its buttons.
        Assert.Equal("sticky", await page.Locator("header.bar").EvaluateAsync<string>("bar => getComputedStyle(bar).position"));
        Assert.True(await page.Locator("fluent-button").First.EvaluateAsync<bool>("button => button.shadowRoot !== null"));
        await page.GetByLabel("Verdict").SelectOptionAsync("denied");
        await Expect(page.Locator("table.timeline > tbody > tr")).ToHaveCountAsync(2);
        await Browser.PressAsync(page, "Show changes");
        await Expect(page.Locator("ul.changed > li")).ToHaveCountAsync(3);
        await page.Context.DisposeAsync();
    }

    private static async Task PublishAsync(string to)
    {
        var build = new DirectoryInfo(AppContext.BaseDirectory);
        var root = build;
        while (!File.Exists(Path.Combine(root.FullName, "Aspire.sln")))
            root = root.Parent ?? throw new InvalidOperationException("the tests do not run from a checkout");
        // What was built is published: the tests that run beside this one use it.
        var start = new ProcessStartInfo("dotnet", ["publish", "services/LogSink", "--no-build", "-c", build.Name, "-o", to, "-v", "quiet", "-nologo", "-nodeReuse:false"])
        {
            WorkingDirectory = root.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.True(process.ExitCode == 0, string.Concat(await output));
    }
}
