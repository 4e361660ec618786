using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>The trace of one attempt, where its record is opened.</summary>
[NoScriptErrors]
public sealed class TraceTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly DateTimeOffset s_began = new(2026, 11, 24, 11, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Attempt_WithSpans_ShowsThemInOrderUnderTheirParents()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync();
        var (attempt, end, other) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await site.StoreAsync([
            Connect("traced.example:443", attempt), Connect("traced.example:443", end) with { Action = "connect.end", Attempt = attempt, DurationMs = 80 }, Connect("other.example:443", other),
        ]);
        await SpanRequest.SendAsync(site, "agent", new TestSpan("0000000000000001", null, "session demo", s_began.AddHours(-2), 9_000_000));
        await SpanRequest.SendAsync(site, "egress-proxy",
            new TestSpan("0000000000000004", "0000000000000001", "egress connect.end", s_began.AddMilliseconds(5), 80, end, "the peer <b>hung up</b>\u202E\e[2J"),
            new TestSpan("0000000000000003", "0000000000000002", "HTTP GET <i>x</i>", s_began.AddMilliseconds(1), 0.25),
            new TestSpan("0000000000000002", "0000000000000001", "egress connect", s_began, 2, attempt),
            new TestSpan("0000000000000005", "0000000000000001", "of another attempt", s_began, 2, other));
        var page = await browser.OpenSessionAsync(site);
        await OpenAsync(page, "traced.example");
        var spans = page.Locator("ol.waterfall > li");
        await Expect(spans).ToHaveCountAsync(4);
        await Expect(spans.Nth(0)).ToContainTextAsync("session demo agent 2 h 0 min before, 2 h 30 min", new() { UseInnerText = true });
        await Expect(spans.Nth(1)).ToContainTextAsync("egress connect egress-proxy");
        await Expect(spans.Nth(1)).ToContainTextAsync("+0 ms, 2.0 ms");
        await Expect(spans.Nth(2)).ToContainTextAsync("HTTP GET <i>x</i>");
        await Expect(spans.Nth(2)).ToContainTextAsync("+1.0 ms, 0.25 ms");
        await Expect(spans.Nth(3)).ToContainTextAsync("✗ error: the peer <b>hung up</b>\\u{202E}\\u{1B}[2J");
        Assert.Equal(["1", "2", "3", "2"], await spans.EvaluateAllAsync<string[]>("all => all.map(each => each.getAttribute('aria-level'))"));
        Assert.Equal(0, await page.Locator("tr.detail b, tr.detail i").CountAsync());

        // The bar of the nested span stands within the attempt's, which is 85 ms long.
        var bars = await spans.Locator(".span-bar > span").EvaluateAllAsync<double[]>("all => all.map(each => each.getBoundingClientRect().width / each.parentElement.getBoundingClientRect().width)");
        Assert.InRange(bars[0], 0.9, 1);
        Assert.InRange(bars[1], 0.01, 0.04);
        Assert.InRange(bars[3], 0.85, 1);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Attempt_WithoutSpans_SaysSoAndLooksAgain()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var attempt = Guid.CreateVersion7();
        await site.StoreAsync([Connect("late.example:443", attempt)]);
        var page = await browser.OpenSessionAsync(site);
        await OpenAsync(page, "late.example");
        await Expect(page.Locator(".spans")).ToContainTextAsync("No spans of this session were received");
        await SpanRequest.SendAsync(site, "egress-proxy", new TestSpan("0000000000000009", null, "egress connect", s_began, 2, Guid.CreateVersion7()));
        await page.GetByText("Look again").ClickAsync();
        await Expect(page.Locator(".spans")).ToContainTextAsync("No spans of this attempt were received");
        await SpanRequest.SendAsync(site, "egress-proxy", new TestSpan("0000000000000002", null, "egress connect", s_began, 2, attempt));
        await page.GetByText("Look again").ClickAsync();
        await Expect(page.Locator("ol.waterfall > li")).ToHaveCountAsync(1);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Attempt_ThatEndsWhileItIsLookedAt_ShowsItsEnd()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var attempt = Guid.CreateVersion7();
        await site.StoreAsync([Connect("running.example:443", attempt)]);
        var page = await browser.OpenSessionAsync(site);
        await OpenAsync(page, "running.example");
        await Expect(page.Locator(".spans")).ToContainTextAsync("No spans");
        Assert.DoesNotContain("The same attempt", await page.Locator("tr.detail").InnerTextAsync(), StringComparison.Ordinal);
        await SpanRequest.SendAsync(site, "egress-proxy", new TestSpan("0000000000000002", null, "egress connect", s_began, 2, attempt));
        await site.StoreAsync([Connect("running.example:443", Guid.CreateVersion7()) with { Action = "connect.end", Attempt = attempt, BytesReceived = 4_711 }]);
        await Expect(page.Locator("tr.detail")).ToContainTextAsync("connect.end running.example:443 · 0 B out, 4.6 KiB in");
        await Expect(page.Locator("ol.waterfall > li")).ToHaveCountAsync(1);
        await page.Context.DisposeAsync();
    }

    /// <summary>Parents in a circle, thousands of children, times before time: whatever is sent, a page.</summary>
    [Fact]
    public async Task Attempt_WithSpansWithoutEnd_StaysAPage()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync(spans: false);
        var attempt = Guid.CreateVersion7();
        await site.StoreAsync([Connect("many.example:443", attempt)]);
        await SpanRequest.SendAsync(site, "egress-proxy",
            [
                new("0000000000000002", "0000000000000003", "egress connect", s_began, 2, attempt), new("0000000000000003", "0000000000000002", "circle", DateTimeOffset.UnixEpoch, 1),
                .. Enumerable.Range(0, 5_000).Select(i => new TestSpan($"{i + 100:x16}", i % 2 == 0 ? "0000000000000002" : $"{i + 99:x16}", $"child {i}", s_began.AddMilliseconds(i), 1)),
            ]);
        var page = await browser.OpenSessionAsync(site);
        await OpenAsync(page, "many.example");
        await Expect(page.Locator("ol.waterfall > li")).ToHaveCountAsync(100);
        await Expect(page.Locator(".spans")).ToContainTextAsync("4902 more are not shown");
        await page.Context.DisposeAsync();
    }

    private static BoundaryEvent Connect(string subject, Guid id) =>
        ConsoleSite.Event(Boundary.Egress, "connect", subject, VerdictKind.Allowed, s_began) with { Id = id, TraceId = SpanRequest.Trace };

    private static async Task OpenAsync(IPage page, string subject)
    {
        await page.GetByLabel("Name or text").FillAsync(subject);
        var rows = page.Locator("table.timeline > tbody > tr");
        await Expect(rows.Last).ToContainTextAsync(subject);
        await rows.Last.Locator("button.link").ClickAsync();
        await page.Locator("tr.detail").WaitForAsync();
    }
}
