using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>Held connections, answered by a person while the agent decides when its questions come and go.</summary>
public sealed class PendingTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Theory]
    [InlineData("Allow once", "allowed", "once")]
    [InlineData("Allow for this session", "allowed", "session")]
    [InlineData("Deny", "denied", "once")]
    [InlineData("Deny for this session", "denied", "session")]
    public async Task Pending_Answered_ReachesTheGateThatWaits(string button, string state, string scope)
    {
        var (site, session) = await shared.FillAsync();
        var page = await OpenAsync(site);
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits");
        var id = await AskAsync(site, session, "new.example");
        await Expect(page.Locator(".count")).ToHaveTextAsync("1");
        await PressAsync(page.Locator(".asks li"), button, page.Locator("li.gone"));
        await Expect(page.Locator("p.said")).ToContainTextAsync($"new.example:443: {state} ({scope})");
        await Expect(page.Locator("li.gone .became")).ToHaveTextAsync($"{state} ({scope})");
        await Expect(page.Locator("li.gone fluent-button").First).ToHaveAttributeAsync("disabled", "");
        Assert.Equal((state, scope), await AnswerAsync(site, id));
        Assert.DoesNotContain("new.example", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Pending_Always_ShowsTheLineBeforeItIsWritten()
    {
        var (site, session) = await shared.FillAsync();
        var page = await OpenAsync(site);
        var id = await AskAsync(site, session, "new.example");
        var before = await File.ReadAllTextAsync(site.Policy);
        var question = page.GetByRole(AriaRole.Alertdialog);
        await PressAsync(page.Locator(".asks li"), "Allow always…", question);
        await Expect(question).ToContainTextAsync(site.Policy);
        await Expect(question.Locator(".added")).ToHaveCountAsync(1);
        var line = (await question.Locator(".added").InnerTextAsync()).TrimEnd('\n');
        Assert.Equal("+     - { host: new.example, ports: [443] }", line);
        await Expect(question).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(question).ToHaveCountAsync(0);
        Assert.Equal(before, await File.ReadAllTextAsync(site.Policy));
        Assert.Equal(("waiting", "once"), await AnswerAsync(site, id, seconds: 0));

        await PressAsync(page.Locator(".asks li"), "Allow always…", question);
        await PressAsync(question, "Yes, always", page.Locator("li.gone"));
        await Expect(page.Locator("p.said")).ToContainTextAsync("new.example:443: allowed (always)");
        Assert.Equal(("allowed", "always"), await AnswerAsync(site, id));
        // That line is new, and nothing else.
        var after = await File.ReadAllTextAsync(site.Policy);
        Assert.Contains(line[2..] + "\n", after, StringComparison.Ordinal);
        Assert.Equal(before, after.Replace(line[2..] + "\n", "", StringComparison.Ordinal));
        await page.Context.DisposeAsync();
    }

    /// <summary>Two questions of an agent, and a pointer that is on the first.</summary>
    [Fact]
    public async Task Pending_WhenTheOneAboveHangsUp_PutsNoOtherUnderThePointer()
    {
        var (site, session) = await shared.FillAsync();
        var page = await OpenAsync(site);
        var above = await AskAsync(site, session, "above.example");
        var below = await AskAsync(site, session, "below.example");
        var rows = page.Locator(".asks li");
        await Expect(rows).ToHaveCountAsync(2);
        var button = (await rows.First.Locator("fluent-button").First.BoundingBoxAsync())!;
        var (x, y) = ((int)(button.X + button.Width / 2), (int)(button.Y + button.Height / 2));
        // Armed beforehand: in the very moment in which the list closes up, whatever is at that place is pressed.
        var pressed = page.EvaluateAsync<string>(
            """
            ([x, y]) => new Promise(done => new MutationObserver((_, observer) => {
                if (document.querySelectorAll('.asks li').length !== 1)
                    return;
                observer.disconnect();
                const hit = document.elementFromPoint(x, y).closest('fluent-button');
                hit?.click();
                done(hit?.closest('li').querySelector('strong').textContent + ': ' + hit?.textContent.trim());
            }).observe(document.querySelector('main'), { childList: true, subtree: true }))
            """, new[] { x, y });
        using var withdrawn = await site.Client.DeleteAsync($"/asks/{above}");
        await Expect(rows.First.Locator(".became")).ToHaveTextAsync("the agent hung up");
        await page.Mouse.ClickAsync(x, y);
        Assert.Equal(2, await rows.CountAsync());
        Assert.Equal("waiting", (await AnswerAsync(site, below, seconds: 1)).State);

        Assert.Equal("below.example:443: Allow once", await pressed.WaitAsync(TimeSpan.FromSeconds(20)));
        await Expect(rows.Locator(".became")).ToContainTextAsync("came here a moment ago");
        Assert.Equal("waiting", (await AnswerAsync(site, below, seconds: 1)).State);
        await PressAsync(rows, "Deny", page.Locator("li.gone"));
        Assert.Equal(("denied", "once"), await AnswerAsync(site, below));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Pending_NewOnes_ComeAtTheEnd()
    {
        var (site, session) = await shared.FillAsync();
        var page = await OpenAsync(site);
        var ids = new List<string>();
        foreach (var host in new[] { "one.example", "two.example", "three.example" })
            ids.Add(await AskAsync(site, session, host));
        await Expect(page.Locator(".asks li strong")).ToHaveTextAsync(["one.example:443", "two.example:443", "three.example:443"]);
        foreach (var id in ids)
            (await site.Client.DeleteAsync($"/asks/{id}")).Dispose();
        await Expect(page.Locator("li.gone")).ToHaveCountAsync(3);
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task SignOut_InOneTab_TakesTheOthersTheirSay()
    {
        var (site, session) = await shared.FillAsync();
        var page = await OpenAsync(site);
        var tab = await page.Context.NewPageAsync();
        await tab.GotoAsync(page.Url);
        var id = await AskAsync(site, session, "new.example");
        var button = tab.Locator(".asks fluent-button").First;
        await button.WaitForAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Signed out");
        await Task.Delay(1_000);
        await button.EvaluateAsync("button => button.click()");
        Assert.Equal("waiting", (await AnswerAsync(site, id, seconds: 2)).State);
        await tab.ReloadAsync();
        await Expect(tab.Locator("p").First).ToContainTextAsync("You are not signed in");
        await page.Context.DisposeAsync();
    }

    private async Task<IPage> OpenAsync(ConsoleSite site)
    {
        // What another test left.
        foreach (var line in (await site.Client.GetStringAsync("/asks")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var ask = JsonDocument.Parse(line);
            (await site.Client.DeleteAsync($"/asks/{ask.RootElement.GetProperty("id").GetString()}")).Dispose();
        }

        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Pending" }).ClickAsync();
        await page.Locator("h1", new() { HasText = "Pending" }).WaitForAsync();
        return page;
    }

    /// <summary>As a person does, who reads first: what is pressed too soon does not count.</summary>
    private static async Task PressAsync(ILocator within, string button, ILocator until)
    {
        for (var i = 0; await until.CountAsync() == 0; i++)
        {
            Assert.True(i < 20, "the answer is never taken");
            await Task.Delay(800);
            await within.Locator("fluent-button:not([disabled])").Filter(new() { HasTextRegex = new($"^\\s*{button}\\s*$") }).ClickAsync();
            await CameAsync(until);
        }
    }

    /// <summary>Whether it comes in a while: pressed again too soon, a button would take the focus from what came of the first time.</summary>
    internal static async Task<bool> CameAsync(ILocator what)
    {
        for (var i = 0; i < 30; i++)
        {
            if (await what.CountAsync() > 0)
                return true;
            await Task.Delay(100);
        }

        return false;
    }

    internal static async Task<string> AskAsync(ConsoleSite site, string session, string host)
    {
        var id = Guid.CreateVersion7().ToString("D");
        using var asked = await site.Client.PostAsJsonAsync("/asks", new
        {
            id,
            session,
            gate = "egress",
            subject = host + ":443",
            host,
            port = 443,
            rule = "egress.otherwise",
            expires = TimeProvider.System.GetUtcNow().AddMinutes(2),
        });
        Assert.True(asked.IsSuccessStatusCode, await asked.Content.ReadAsStringAsync());
        return id;
    }

    internal static async Task<(string State, string Scope)> AnswerAsync(ConsoleSite site, string id, int seconds = 5)
    {
        using var answer = JsonDocument.Parse(await site.Client.GetStringAsync($"/asks/{id}?wait={seconds}"));
        return (answer.RootElement.GetProperty("state").GetString()!, answer.RootElement.GetProperty("scope").GetString()!);
    }
}
