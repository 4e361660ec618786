using System.Net.Http.Json;
using System.Text.Json;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What a person does with the console, in a browser.</summary>
[NoScriptErrors]
public sealed class PageTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task Sessions_WhenOneBegins_ShowItWithoutReloading()
    {
        await using var site = await ConsoleSite.StartAsync();
        var page = await browser.SignInAsync(site);
        await Expect(page.Locator(".empty")).ToContainTextAsync("No agent has run yet");
        await site.FillAsync();
        var row = page.Locator("tbody tr").First;
        await Expect(row).ToContainTextAsync("claude -p 'fix the tests'");
        await Expect(row).ToContainTextAsync("running");
        await site.StoreAsync([ConsoleSite.Event(Boundary.Sandbox, "session.end", "claude", VerdictKind.Allowed, TimeProvider.System.GetUtcNow()) with
        {
            Detail = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("exitCode", "3"),
        }]);
        await Expect(row).ToContainTextAsync("exit 3");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Sessions_OfExactlyAPage_HaveNoOlderOnes()
    {
        await using var site = await ConsoleSite.StartAsync();
        var time = new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
        await site.StoreAsync(Enumerable.Range(0, 100).Select(i => site.Start($"s{i:000}", "claude", time.AddSeconds(i))));
        var page = await browser.SignInAsync(site);
        var rows = page.Locator("tbody tr");
        await Expect(rows).ToHaveCountAsync(100);
        await Expect(Browser.Button(page, "Older")).ToHaveCountAsync(0);
        await site.StoreAsync([site.Start("s100", "claude", time.AddSeconds(100))]);
        await Expect(rows.First).ToContainTextAsync("s100");
        await Expect(rows).ToHaveCountAsync(100);
        await Browser.Button(page, "Older").ClickAsync();
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows.First).ToContainTextAsync("s000");
        await Browser.Button(page, "Newest").ClickAsync();
        await Expect(rows.First).ToContainTextAsync("s100");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_Filters_NarrowTheTimeline()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        var rows = page.Locator("table.timeline tbody tr");
        await Expect(rows).ToHaveCountAsync(100);

        await page.GetByLabel("Verdict").SelectOptionAsync("denied");
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First).ToContainTextAsync("blocked.example:443");
        await page.GetByLabel("Gate").SelectOptionAsync("dns");
        await Expect(rows).ToHaveCountAsync(1);
        await page.GetByLabel("Verdict").SelectOptionAsync("");
        await page.GetByLabel("Gate").SelectOptionAsync("");
        await page.GetByLabel("Name or text").FillAsync("NO RULE NAMES");
        await Expect(rows).ToHaveCountAsync(2);
        await page.GetByLabel("Name or text").FillAsync("nothing-of-the-kind");
        await Expect(rows).ToHaveCountAsync(0);
        await page.GetByLabel("Name or text").FillAsync("");

        await Browser.Button(page, "Older").ClickAsync();
        await Expect(page.GetByText("older records")).ToBeVisibleAsync();
        await Expect(rows.Last).ToContainTextAsync("session.start");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_OpenedRecord_ShowsItsMembersAndTheEndOfTheAttempt()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await page.GetByLabel("Name or text").FillAsync("egress.allow[0]");
        await page.Locator("table.timeline tbody button.link").First.ClickAsync();
        var detail = page.Locator("tr.detail");
        await Expect(detail).ToContainTextAsync("0af7651916cd43dd8448eb211c80319c");
        await Expect(detail).ToContainTextAsync("connect.end");
        await Expect(detail).ToContainTextAsync("hash");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_NewRecord_AppearsAtOnce()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await site.StoreAsync([ConsoleSite.Event(Boundary.Dns, "query", "just-now.example A", VerdictKind.Denied, TimeProvider.System.GetUtcNow(), session)]);
        await Expect(page.Locator("table.timeline tbody tr").First).ToContainTextAsync("just-now.example");
        await page.Context.DisposeAsync();
    }

    [Theory]
    [InlineData("Allow once", "allowed", "once")]
    [InlineData("Allow for this session", "allowed", "session")]
    [InlineData("Allow always", "allowed", "always")]
    [InlineData("Deny", "denied", "once")]
    public async Task Pending_Answered_ReachesTheGateThatWaits(string button, string state, string scope)
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Pending" }).ClickAsync();
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits");
        var id = Guid.CreateVersion7().ToString("D");
        using var asked = await site.Client.PostAsJsonAsync("/asks", new
        {
            id,
            session = session,
            gate = "egress",
            subject = "new.example:443",
            host = "new.example",
            port = 443,
            rule = "egress.otherwise",
            expires = TimeProvider.System.GetUtcNow().AddMinutes(1),
        });
        Assert.True(asked.IsSuccessStatusCode, await asked.Content.ReadAsStringAsync());
        await Expect(page.Locator(".count")).ToHaveTextAsync("1");
        await Browser.Button(page, button).ClickAsync();
        await Expect(page.Locator(".said")).ToContainTextAsync($"new.example:443: {state} ({scope})");

        using var answer = JsonDocument.Parse(await site.Client.GetStringAsync($"/asks/{id}?wait=5"));
        Assert.Equal(state, answer.RootElement.GetProperty("state").GetString());
        Assert.Equal(scope, answer.RootElement.GetProperty("scope").GetString());
        Assert.Equal(scope == "always", (await File.ReadAllTextAsync(site.Policy)).Contains("new.example", StringComparison.Ordinal));
        Assert.Contains("# Kept as it is.", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_Edited_IsCheckedShownAndSaved()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Policy" }).ClickAsync();
        var rules = page.Locator("table tbody tr");
        await Expect(rules.Nth(0)).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("20$"));
        await Expect(rules.Nth(1)).ToContainTextAsync("never");

        var save = Browser.Button(page, "Save");
        var text = page.Locator("textarea");
        var before = await text.InputValueAsync();
        await text.FillAsync(before.Replace("egress:", "egres:", StringComparison.Ordinal));
        await Browser.Button(page, "Check and show the diff").ClickAsync();
        await Expect(page.Locator(".errors")).ToContainTextAsync("gatehouse.yaml:3:1");
        await Expect(save).ToHaveAttributeAsync("disabled", "");

        await Browser.Button(page, "Begin again").ClickAsync();
        await Expect(text).ToHaveValueAsync(before);
        await Browser.Button(page, "Add to the edit below").First.ClickAsync();
        await Expect(page.Locator("pre.diff .added")).ToContainTextAsync("blocked.example");
        // A line of the file is a line of the page.
        Assert.Contains((await page.Locator("pre.diff").InnerTextAsync()).Split('\n'), line => line.StartsWith("+ ", StringComparison.Ordinal) && line.Contains("blocked.example", StringComparison.Ordinal));
        await save.ClickAsync();
        await Expect(page.Locator(".said")).ToContainTextAsync("Saved");
        var after = await File.ReadAllTextAsync(site.Policy);
        Assert.Contains("blocked.example", after, StringComparison.Ordinal);
        Assert.Contains("# Kept as it is.", after, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(site.Policy));
        Assert.Contains("policy.edited", await site.Client.GetStringAsync("/events?limit=1"), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_ChangedMeanwhile_IsNotOverwritten()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Policy" }).ClickAsync();
        var text = page.Locator("textarea");
        await text.FillAsync((await text.InputValueAsync()).Replace("never.example.org", "other.example.org", StringComparison.Ordinal));
        await Browser.Button(page, "Check and show the diff").ClickAsync();
        await File.AppendAllTextAsync(site.Policy, "# mine\n");
        await Browser.Button(page, "Save").ClickAsync();
        await Expect(page.Locator(".said")).ToContainTextAsync("changed meanwhile");
        Assert.EndsWith("# mine\n", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        Assert.DoesNotContain("other.example.org", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task SignOut_ByItsButton_EndsTheVisit()
    {
        var site = shared.Site;
        var page = await browser.SignInAsync(site);
        var address = page.Url;
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Signed out");
        await page.GotoAsync(address);
        await Expect(page.Locator("p").First).ToContainTextAsync("You are not signed in");
        await page.Context.DisposeAsync();
    }
}
