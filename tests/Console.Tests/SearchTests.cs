using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>A filter looks through so many records, says where it stopped, and goes on when it is told to.</summary>
[NoScriptErrors]
public sealed class SearchTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task Search_OfALongSession_StopsAndGoesOn()
    {
        await using var site = await ConsoleSite.StartAsync("--LogSink:Console:SearchRecords=5000");
        await site.FillAsync();
        await StoreAsync(site, 12_000, ConsoleSite.Session);
        // Of another session: they are not among those that are counted.
        await site.StoreAsync([site.Start("20261124-101112-other", "other", TimeProvider.System.GetUtcNow())]);
        await StoreAsync(site, 7_000, "20261124-101112-other");
        var page = await browser.OpenSessionAsync(site);
        var (rows, older) = (page.Locator("table.timeline > tbody > tr"), Browser.Button(page, "Search older"));
        await Expect(rows).ToHaveCountAsync(100);
        await Expect(older).ToHaveCountAsync(0);

        await page.GetByLabel("Name or text").FillAsync("EXFIL");
        await Expect(page.GetByText("live · 0 shown · 5,000 records searched")).ToBeVisibleAsync();
        await Expect(page.GetByText("What is older was not looked at yet.")).ToBeVisibleAsync();
        await older.ClickAsync();
        await Expect(page.GetByText("live · 0 shown · 10,000 records searched")).ToBeVisibleAsync();
        // What comes meanwhile is shown, and stays when the search goes on.
        await site.StoreAsync([ConsoleSite.Event(Boundary.Dns, "query", "new.exfil.example A", VerdictKind.Denied, TimeProvider.System.GetUtcNow())]);
        await Expect(rows).ToHaveCountAsync(1);
        await older.ClickAsync();
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First).ToContainTextAsync("new.exfil.example");
        await Expect(rows.Last).ToContainTextAsync("aGVsbG8.exfil.example");
        await Expect(older).ToHaveCountAsync(0);
        await Expect(page.GetByText("live · 2 shown")).ToBeVisibleAsync();

        // A verdict is looked for in the same way.
        await page.GetByLabel("Name or text").FillAsync("");
        await page.GetByLabel("Verdict").SelectOptionAsync("denied");
        await Expect(page.GetByText("live · 1 shown · 5,000 records searched")).ToBeVisibleAsync();
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Sink_ToldToSearchNothing_SaysWhatToWrite()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() => ConsoleSite.StartAsync("--LogSink:Console:SearchRecords=5"));
        Assert.Contains("LogSink:Console:SearchRecords is 5: write 1000 to 10000000", error.Message, StringComparison.Ordinal);
    }

    private static Task StoreAsync(ConsoleSite site, int count, string session) =>
        site.StoreAsync(Enumerable.Range(0, count).Select(i => ConsoleSite.Event(Boundary.Dns, "query", $"name{i}.example A", VerdictKind.Allowed, TimeProvider.System.GetUtcNow(), session)));
}
