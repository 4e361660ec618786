using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>Of each session, whether its record is whole, and what of its changes waits for a person.</summary>
[NoScriptErrors]
public sealed class SealTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 23, 9, 0, 0, TimeSpan.Zero);

    private ConsoleSite Site => shared.Site;

    [Fact]
    public async Task Sessions_AtTheirEnds_SayWhatWaitsAndWhetherTheRecordIsWhole()
    {
        await Site.FillHistoryAsync();
        var page = await browser.SignInAsync(Site);
        await ExpectAsync(page, "20261123-090000-good", "exit 0", "3 applied", "✓ sealed");
        await ExpectAsync(page, "20261123-090000-lost", "exit 1", "3 waiting", "✗ incomplete");
        await ExpectAsync(page, "20261123-090000-dead", "exit 0", "none", "! unsealed");
        await ExpectAsync(page, "20261123-090000-seal", "exit 0", "17 waiting", "✓ sealed");
        await page.GetByText("What Changes and Record mean").ClickAsync();
        await Expect(page.GetByText("Another number is stored than a gate said.")).ToBeVisibleAsync();

        // The last of what was on its way, and what a person did in a terminal: without reloading.
        await Site.StoreAsync([ConsoleSite.Seal("20261123-090000-dead", Boundary.Egress, 4, s_time), ConsoleSite.Changes("20261123-090000-seal", BoundaryActions.ChangesDiscarded, "discarded", 0, s_time.AddHours(1))]);
        await ExpectAsync(page, "20261123-090000-dead", "exit 0", "none", "✓ sealed");
        await ExpectAsync(page, "20261123-090000-seal", "exit 0", "discarded", "✓ sealed");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Session_FromItsStartToItsSeal_SaysWhatIsKnown()
    {
        const string session = "20261124-080000-live";
        await Site.StoreAsync([Site.Start(session, "claude", s_time), ConsoleSite.Event(Boundary.Egress, "connect", "api.example.org:443", VerdictKind.Allowed, s_time, session)]);
        var page = await browser.SignInAsync(Site);
        await ExpectAsync(page, session, "running", "known at its end", "○ unsealed");
        await page.GetByRole(AriaRole.Link, new() { Name = session }).ClickAsync();
        var (facts, record) = (page.Locator("p.facts"), page.Locator("details.seal"));
        await Expect(facts).ToContainTextAsync("Changes: known at its end");
        await Expect(record.Locator("summary")).ToContainTextAsync("The session runs. Its gates seal the record at its end.");
        await Expect(record).Not.ToHaveAttributeAsync("open", "");

        // Ended: what a gate has not said is looked for, and named.
        await Site.StoreAsync([
            ConsoleSite.Changes(session, BoundaryActions.Changes, "1 added, 1 deleted", 2, s_time), ConsoleSite.End(session, 0, s_time),
            ConsoleSite.Seal(session, Boundary.Dns, 0, s_time),
        ]);
        await Expect(record).ToHaveAttributeAsync("open", "");
        await Expect(record.Locator("summary")).ToContainTextAsync("! unsealed The egress and secrets gates did not say how many events of it there were.", new() { UseInnerText = true });
        await Expect(record).ToContainTextAsync("A gate was killed before the session ended");
        await Expect(record).ToContainTextAsync("Look again in some seconds.");
        await Expect(facts).ToContainTextAsync("2 waiting");

        await Site.StoreAsync([ConsoleSite.Seal(session, Boundary.Egress, 3, s_time), ConsoleSite.Seal(session, Boundary.Secrets, 0, s_time)]);
        await Expect(record.Locator("summary")).ToContainTextAsync("✗ incomplete The egress gate recorded 3 events, and 1 is stored.", new() { UseInnerText = true });
        await Expect(record).ToContainTextAsync("take it that the agent did more than is shown here");
        await Expect(record.Locator("tr.is-denied")).ToHaveTextAsync("egress31");

        // They come late.
        await Site.StoreAsync(Enumerable.Range(0, 2).Select(_ => ConsoleSite.Event(Boundary.Egress, "connect", "api.example.org:443", VerdictKind.Allowed, s_time, session)));
        await Expect(record.Locator("summary")).ToContainTextAsync("✓ sealed", new() { UseInnerText = true });
        await Expect(record).Not.ToHaveAttributeAsync("open", "");
        // By keyboard: it opens, and stays so while the page follows the record.
        await record.Locator("summary").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(record.GetByText("Nothing was lost between the gates and this record.")).ToBeVisibleAsync();
        await Site.StoreAsync([ConsoleSite.Changes(session, BoundaryActions.ChangesApplied, "2 applied", 0, s_time.AddMinutes(1))]);
        await Expect(facts).ToContainTextAsync("Changes: 2 applied");
        await Expect(record.GetByText("Nothing was lost between the gates and this record.")).ToBeVisibleAsync();
        await page.Context.DisposeAsync();
    }

    [Theory]
    [InlineData("-old", "2 modified", null, "2 modified; applied or not is not recorded")]
    [InlineData("-odd", null, null, "not recorded")]
    [InlineData("-evil", "<img src=x onerror=\"document.title='owned'\">\u202E\e[2J", null, "<img src=x onerror=\"document.title='owned'\">\\u{202E}\\u{1B}[2J; applied or not is not recorded")]
    [InlineData("-tree", "committed onto <b>agent/x</b>", 0, "committed onto <b>agent/x</b>")]
    public async Task Changes_ThatTheRecordDoesNotCount_AreWhatWasSaid(string name, string? said, int? waiting, string shown)
    {
        var session = "20261122-080000" + name;
        await Site.StoreAsync([Site.Start(session, "claude", s_time), ConsoleSite.End(session, 0, s_time), .. said is null ? [] : new[] { ConsoleSite.Changes(session, BoundaryActions.Changes, said, waiting, s_time) }]);
        var page = await browser.SignInAsync(Site);
        await ExpectAsync(page, session, "exit 0", shown, "! unsealed");
        await page.GetByRole(AriaRole.Link, new() { Name = session }).ClickAsync();
        await Expect(page.Locator("p.facts")).ToContainTextAsync("Changes: " + shown);
        Assert.Equal(0, await page.Locator("main img, main b").CountAsync());
        Assert.NotEqual("owned", await page.TitleAsync());
        await page.Context.DisposeAsync();
    }

    private static async Task ExpectAsync(IPage page, string session, string state, string changes, string record)
    {
        var cells = page.Locator("tbody tr", new() { HasText = session }).Locator("td");
        await Expect(cells.Nth(2)).ToHaveTextAsync(state);
        await Expect(cells.Nth(3)).ToHaveTextAsync(changes);
        await Expect(cells.Nth(4)).ToHaveTextAsync(record);
    }
}
