using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>Traffic by destination, as it is drawn.</summary>
[NoScriptErrors]
public sealed class ChartTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly DateTimeOffset s_began = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Chart_OfKnownTraffic_HasItsBarsAndTotals()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.StoreAsync([
            site.Start(ConsoleSite.Session, "claude", s_began),
            // 479 seconds are 48 bars of ten.
            End("a.example:443", 0, 3_000, 1_000), End("b.example:443", 5, 1_000, 0), End("b.example:443", 255, 0, 2_000), End("c.example:443", 479, 1_000, 0),
            .. Enumerable.Range(0, 4).Select(i => End($"few{i}.example:443", 100, 10 + i, 0)),
        ]);
        var page = await browser.OpenSessionAsync(site);
        // Those that have no entry of their own are one.
        var bars = page.Locator("svg.chart > rect");
        await Expect(bars).ToHaveCountAsync(7);
        await Expect(page.Locator("ul.legend > li")).ToHaveTextAsync(["a.example:443 3.9 KiB", "b.example:443 2.9 KiB", "c.example:443 1000 B", "few3.example:443 13 B", "few2.example:443 12 B", "2 others 21 B"]);
        await Expect(page.Locator("p.axis")).ToContainTextAsync("10:00:00 UTC");
        await Expect(page.Locator("p.axis")).ToContainTextAsync("highest bar 4.9 KiB in 10.0 s");

        // The first bar is the highest: b stands on a, and both fill it.
        var drawn = await bars.EvaluateAllAsync<double[][]>("all => all.map(bar => [parseFloat(bar.getAttribute('x')), parseFloat(bar.getAttribute('y')), parseFloat(bar.getAttribute('height'))])");
        Assert.Equal([0, 120 - 118 * 0.8, 118 * 0.8], drawn[0], (one, other) => Math.Abs(one - other) < 0.02);
        Assert.Equal([0, 2, 118 * 0.2], drawn[1], (one, other) => Math.Abs(one - other) < 0.02);
        var last = drawn.OrderBy(bar => bar[0]).Last();
        Assert.Equal([47 * 100.0 / 48, 120 - 118 * 0.2, 118 * 0.2], last, (one, other) => Math.Abs(one - other) < 0.02);
        Assert.Equal("10:00:00 UTC: a.example:443 3.9 KiB", await bars.First.Locator("title").TextContentAsync());

        // Without colours too: no two have the same pattern, and a bar has that of its entry in the legend.
        var legend = await page.Locator("ul.legend rect").EvaluateAllAsync<string[]>("all => all.map(each => each.getAttribute('fill') ?? 'full')");
        Assert.Equal(legend.Length, legend.Distinct().Count());
        Assert.Null(await bars.Nth(0).GetAttributeAsync("fill"));
        Assert.Equal(legend[1], await bars.Nth(1).GetAttributeAsync("fill"));
        var patterns = await page.Locator("svg.chart pattern path").EvaluateAllAsync<string[]>("all => all.map(each => each.getAttribute('d'))");
        Assert.Equal((5, 5), (patterns.Length, patterns.Distinct().Count()));
        await page.Context.DisposeAsync();
    }

    /// <summary>WCAG 1.4.11.</summary>
    [Theory]
    [InlineData(Microsoft.Playwright.ColorScheme.Light)]
    [InlineData(Microsoft.Playwright.ColorScheme.Dark)]
    public async Task Series_OnTheirGround_HaveContrast(Microsoft.Playwright.ColorScheme scheme)
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.StoreAsync([site.Start(ConsoleSite.Session, "claude", s_began), .. Enumerable.Range(0, 7).Select(i => End($"host{i}.example:443", i * 10, 1_000 - i, 0))]);
        var page = await browser.SignInAsync(site, scheme);
        await page.GotoAsync($"{page.Url}sessions/{ConsoleSite.Session}");
        await Expect(page.Locator("ul.legend > li")).ToHaveCountAsync(6);
        var ground = await page.Locator("svg.chart").EvaluateAsync<string>("chart => getComputedStyle(chart).backgroundColor");
        foreach (var colour in await page.Locator("ul.legend rect").EvaluateAllAsync<string[]>("all => all.map(each => getComputedStyle(each).stroke)"))
            Assert.True(Contrast(colour, ground) >= 3, $"{colour} on {ground}: {Contrast(colour, ground):0.00}");
        await page.Context.DisposeAsync();
    }

    private static double Contrast(string one, string other)
    {
        var (a, b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    // "rgb(15, 108, 189)", WCAG's relative luminance.
    private static double Luminance(string colour)
    {
        var parts = colour[4..^1].Split(',').Select(part => double.Parse(part, System.Globalization.CultureInfo.InvariantCulture) / 255)
            .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4)).ToArray();
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    }

    private static BoundaryEvent End(string host, int second, long sent, long received) =>
        ConsoleSite.Event(Boundary.Egress, "connect.end", host, VerdictKind.Allowed, s_began.AddSeconds(second)) with { BytesSent = sent, BytesReceived = received };
}
