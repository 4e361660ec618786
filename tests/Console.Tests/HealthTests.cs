using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What the page says of the sink itself.</summary>
[NoScriptErrors]
public sealed class HealthTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task Verify_OfAWholeChain_SaysSoAndRemembersIt()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "health");
        await Expect(page.GetByText("works")).ToBeVisibleAsync();
        await Expect(page.GetByText("Not verified since the sink started.")).ToBeVisibleAsync();
        await Expect(page.GetByText("all records")).ToBeVisibleAsync();
        await Expect(page.GetByText("The record is sent on to nobody.")).ToBeVisibleAsync();
        await Expect(page.GetByText("Nobody is told.")).ToBeVisibleAsync();
        await Browser.PressAsync(page, "Verify");
        await Expect(page.Locator(".said[intent=success]")).ToContainTextAsync("124 records: the chain is whole");
        await page.ReloadAsync();
        await Expect(page.Locator(".said").First).ToContainTextAsync("124 records: the chain is whole");
        await Expect(page.GetByText("Verified at 20")).ToBeVisibleAsync();
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Verify_OfARecordThatLacksEvents_NamesTheSessions()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillHistoryAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "health");
        await Browser.PressAsync(page, "Verify");
        await Expect(page.Locator(".said").First).ToContainTextAsync("the chain is whole");
        // A chain that is whole is not yet a record that is.
        await Expect(page.Locator(".said[intent=success]")).ToHaveCountAsync(0);
        await Expect(page.Locator(".said[intent=error][role=alert]")).ToContainTextAsync("The record of one session is incomplete.");
        var sessions = page.Locator("section[aria-labelledby=chain] li");
        await Expect(sessions).ToHaveTextAsync(["20261123-090000-lost egress: 9 recorded, 7 stored"]);
        await sessions.Locator("a").ClickAsync();
        await Expect(page.Locator("details.seal[open]")).ToContainTextAsync("The egress gate recorded 9 events, and 7 are stored.");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Verify_OfAChangedRecord_NamesIt()
    {
        await using var site = await ConsoleSite.StartAsync();
        await site.FillAsync();
        await site.ChangeAsync("UPDATE events SET subject = '<img src=x>' WHERE sequence = 7");
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "health");
        await Browser.PressAsync(page, "Verify");
        var said = page.GetByRole(Microsoft.Playwright.AriaRole.Alert).Filter(new() { HasText = "The chain is broken." });
        await Expect(said).ToContainTextAsync("Record 7: changed: its hash does not match");
        await Expect(said).ToHaveAttributeAsync("intent", "error");
        await Expect(page.Locator(".said[intent=success]")).ToHaveCountAsync(0);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Receivers_ShowWhatWaitsAndWhy()
    {
        var isUp = false;
        await using var collector = await TestOrigin.StartAsync(null, app => app.MapPost("/secret-path/logs", context =>
        {
            context.Response.StatusCode = isUp ? 200 : 503;
            context.Response.ContentType = "application/x-protobuf";
            return Task.CompletedTask;
        }));
        await using var site = await ConsoleSite.StartAsync(
            $"--LogSink:Forward:collector:Url={collector.Uri}secret-path/logs", "--LogSink:Notify:phone:Url=https://push.example/key-4711", "--LogSink:Notify:phone:On:0=denial.burst",
            "--LogSink:Retention:Days=90", "--LogSink:Retention:Megabytes=512");
        await site.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "health");
        await Expect(page.GetByText("records of 90 days, up to 512 MB, and in any case those of 7 days")).ToBeVisibleAsync();
        var receiver = page.Locator("tr", new() { HasText = "collector" });
        await Expect(receiver).ToContainTextAsync("does not take it");
        await Expect(receiver).ToContainTextAsync("503");
        await Expect(receiver.Locator("td.number")).ToHaveTextAsync("124");
        await Expect(page.Locator("tr", new() { HasText = "phone" })).ToContainTextAsync("https://push.example");
        await Expect(page.Locator("tr", new() { HasText = "phone" })).ToContainTextAsync("denial.burst (20 in 60 s)");
        // What stands in a path may be a key.
        Assert.DoesNotContain("key-4711", await page.ContentAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret-path", await page.ContentAsync(), StringComparison.Ordinal);

        isUp = true;
        // It is tried again after some seconds, and the page follows.
        await Expect(receiver).ToContainTextAsync("takes it", new() { Timeout = 30_000 });
        await Expect(receiver.Locator("td.number")).ToHaveTextAsync("0");
        await page.Context.DisposeAsync();
    }
}
