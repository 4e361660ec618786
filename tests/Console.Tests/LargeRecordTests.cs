using System.Diagnostics;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>So much of a record that what reads it takes its time: nobody waits for it in vain.</summary>
[NoScriptErrors]
public sealed class LargeRecord : IAsyncLifetime
{
    public const int Records = 300_000;

    private ConsoleSite? _site;

    internal ConsoleSite Site => _site!;

    public async Task InitializeAsync()
    {
        _site = await ConsoleSite.StartAsync();
        await Site.FillAsync();
        await Site.StoreAtOnceAsync(Enumerable.Range(0, Records).Select(i => ConsoleSite.Event(Boundary.Dns, "query", $"name{i}.example A", VerdictKind.Allowed, TimeProvider.System.GetUtcNow())));
    }

    public async Task DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }
}

[Collection("alone")]
public sealed class LargeRecordTests(Browser browser, LargeRecord record) : IClassFixture<Browser>, IClassFixture<LargeRecord>
{
    [Fact]
    public async Task Verify_AskedForThrice_RunsOneByOneAndShowsEverywhere()
    {
        var page = await browser.SignInAsync(record.Site);
        await page.GotoAsync(page.Url + "health");
        var verify = Browser.Button(page, "Verify");
        await verify.WaitForAsync();
        var began = Stopwatch.GetTimestamp();
        var asked = Enumerable.Range(0, 3).Select(_ => record.Site.Client.GetStringAsync("/verify")).ToList();
        await Expect(page.GetByText("for somebody else")).ToBeVisibleAsync();
        await Expect(verify).ToHaveAttributeAsync("disabled", "");
        await Task.WhenAny(asked);
        var one = Stopwatch.GetElapsedTime(began);
        await Task.WhenAll(asked);
        // Had they run at once, they would have come at once.
        Assert.True(Stopwatch.GetElapsedTime(began) > one * 1.5, $"{one} and {Stopwatch.GetElapsedTime(began)}");
        await Expect(page.Locator(".said")).ToContainTextAsync("the chain is whole");
        await Expect(verify).Not.ToHaveAttributeAsync("disabled", "");
        await page.Context.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Verify_Left_IsCancelled(bool byButton)
    {
        var page = await browser.SignInAsync(record.Site);
        var health = page.Url + "health";
        await page.GotoAsync(health);
        await Browser.Button(page, "Verify").WaitForAsync();
        // The last one of another test is no answer to this one.
        var before = await LastAsync(page);
        await Browser.PressAsync(page, "Verify");
        await Expect(page.GetByText("Leaving this page stops it.")).ToBeVisibleAsync();
        if (byButton)
            await Browser.PressAsync(page, "Stop");
        else
            await page.GetByRole(AriaRole.Link, new() { Name = "Sessions" }).ClickAsync();
        await page.GotoAsync(health);
        await Expect(page.GetByText("Reading")).ToHaveCountAsync(0, new() { Timeout = 400 });
        await Expect(Browser.Button(page, "Verify")).Not.ToHaveAttributeAsync("disabled", "");
        Assert.Equal(before, await LastAsync(page));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Search_WhoseFilterChanged_IsGivenUp()
    {
        var page = await browser.OpenSessionAsync(record.Site);
        var (rows, text) = (page.Locator("table.timeline > tbody > tr"), page.GetByLabel("Name or text"));
        await Expect(rows).ToHaveCountAsync(100);
        await text.FillAsync("nothing-of-the-kind");
        await text.FillAsync("");
        await Expect(page.GetByText("100+ shown")).ToBeVisibleAsync();
        // For longer than the first search takes.
        for (var i = 0; i < 8; i++)
        {
            await Expect(rows).ToHaveCountAsync(100);
            await Task.Delay(100);
        }

        await text.FillAsync("nothing-of-the-kind");
        await Expect(page.GetByText("200,000 records searched")).ToBeVisibleAsync();
        await Expect(rows).ToHaveCountAsync(0);
        await text.FillAsync("name299017.example");
        await Expect(rows).ToHaveCountAsync(1);
        await page.Context.DisposeAsync();
    }

    private static async Task<string> LastAsync(IPage page)
    {
        await page.Locator(".said, p:has-text('Not verified since')").First.WaitForAsync();
        return await page.GetByText("Verified at").CountAsync() == 0 ? "" : await page.GetByText("Verified at").InnerTextAsync();
    }
}
