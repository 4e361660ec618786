using System.Text;
using Gatehouse.TestKit;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>What a session changed: looked at file by file, taken, and taken back.</summary>
[NoScriptErrors]
public sealed class ChangesTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task Changes_Listed_ShowOneDifferenceAtATime()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await Browser.PressAsync(page, "Show changes");
        var files = page.Locator("ul.changed > li");
        await Expect(files).ToHaveCountAsync(3);
        await Expect(files.Nth(0)).ToContainTextAsync("modified");
        await Expect(files.Nth(0)).ToContainTextAsync("/workspace/settings.ini");
        await Expect(files.Nth(0)).ToContainTextAsync("14 B → 41 B");
        await Expect(files.Nth(1)).ToContainTextAsync("1.0 KiB");
        // A folder has nothing to compare.
        Assert.Equal(0, await files.Nth(2).Locator("button").CountAsync());
        Assert.Equal(0, await page.Locator("pre.diff").CountAsync());

        var (first, second) = (files.Nth(0).Locator("button"), files.Nth(1).Locator("button"));
        await first.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(first).ToHaveAttributeAsync("aria-expanded", "true");
        await Expect(files.Nth(0).Locator("pre.diff .added")).ToHaveTextAsync("+colour = <script>alert(1)</script>");
        await Expect(files.Nth(0).Locator("pre.diff .removed")).ToHaveCountAsync(1);
        Assert.Equal(["modified settings.ini", "--- a/settings.ini", "+++ b/settings.ini", "@@ -1 +1 @@", "-colour = blue", "+colour = <script>alert(1)</script>"],
            (await page.Locator("pre.diff").InnerTextAsync()).TrimEnd().Split('\n'));
        await second.FocusAsync();
        await page.Keyboard.PressAsync("Space");
        await Expect(files.Nth(1).Locator("pre.diff")).ToBeVisibleAsync();
        await Expect(first).ToHaveAttributeAsync("aria-expanded", "false");
        await Expect(page.Locator("pre.diff")).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("pre.diff")).ToHaveCountAsync(0);
        Assert.Equal([$"changes {session} --json", $"changes {session} /workspace/settings.ini --diff", $"changes {session} /workspace/notes.txt --diff"], site.Calls);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Difference_WithTabs_KeepsThem()
    {
        var (site, session) = await shared.FillAsync();
        site.SetChanges([ConsoleSite.Change("Makefile", "modified", 9, 9)], "M x\nmodified Makefile\n--- a\n+++ b\n@@ -1 +1 @@\n-all:\tone\n+\tcc\t-o x\n");
        var page = await browser.OpenSessionAsync(site, session);
        await Browser.PressAsync(page, "Show changes");
        await page.Locator("ul.changed button.link").ClickAsync();
        Assert.Equal("+\tcc\t-o x\n", await page.Locator("pre.diff .added").TextContentAsync());
        Assert.Equal("4", await page.Locator("pre.diff").EvaluateAsync<string>("diff => getComputedStyle(diff).tabSize"));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Changes_Applied_AreAskedForFirst()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.OpenSessionAsync(site, session);
        await Browser.PressAsync(page, "Apply…");
        await Browser.PressAsync(page, "No");
        await Browser.PressAsync(page, "Apply…");
        Assert.Empty(site.Calls);
        await Browser.PressAsync(page, "Yes, apply");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("1 applied.");
        Assert.Equal([$"apply {session}"], site.Calls);
        // By keyboard alone: the question is where the keys are, and Escape is a no.
        await Browser.Button(page, "Discard…").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alertdialog)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Alertdialog)).ToHaveCountAsync(0);
        await Expect(page.Locator("h2#changes")).ToBeFocusedAsync();
        await Browser.Button(page, "Discard…").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alertdialog)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("cannot discard");
        Assert.Equal([$"apply {session}", $"discard {session}"], site.Calls);
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Changes_OfAHostileAgent_AreBoundedText()
    {
        var (site, session) = await shared.FillAsync();
        var hostile = "--help/<img src=x onerror=document.title='owned'>\u202Egnp.\e[2J'; touch /tmp/owned;'";
        var diff = new StringBuilder($"M x\nmodified <script>document.title='owned'</script>\n--- a\n+++ b\n@@ -1 +1,100000 @@\n+<img src=x onerror=document.title='owned'>\u202E\e[2J\n+{new string('w', 4_000)}\n");
        for (var i = 0; i < 100_000; i++)
            diff.Append(System.Globalization.CultureInfo.InvariantCulture, $"+line {i} </pre><b>bold</b>\n");
        site.SetChanges([ConsoleSite.Change(hostile, "<b>", 3), .. Enumerable.Range(0, 5_000).Select(i => ConsoleSite.Change($"file{i}", "added", i))], diff.ToString());
        var page = await browser.OpenSessionAsync(site, session);
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        await Browser.PressAsync(page, "Show changes");
        var files = page.Locator("ul.changed > li");
        await Expect(files).ToHaveCountAsync(500);
        await Expect(page.GetByText("There are more than these 500")).ToBeVisibleAsync();
        await Expect(files.First).ToContainTextAsync("/workspace/--help/<img src=x onerror=document.title='owned'>\\u{202E}gnp.\\u{1B}[2J");
        await files.First.Locator("button").ClickAsync();
        await Expect(page.Locator("p.cut")).ToContainTextAsync("Cut: this is its beginning");
        var shown = await page.Locator("pre.diff").InnerTextAsync();
        Assert.Contains("+<img src=x onerror=document.title='owned'>\\u{202E}\\u{1B}[2J", shown, StringComparison.Ordinal);
        Assert.Contains("… (4,001 characters)", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 10_000, 140_000);
        Assert.Equal(0, await page.Locator("main img, main script, main b").CountAsync());
        Assert.NotEqual("owned", await page.TitleAsync());
        Assert.Equal($"changes {session} /workspace/{hostile} --diff", site.Calls[^1]);
        Assert.Empty(problems);
        await page.Context.DisposeAsync();
    }

    /// <summary>What only shows something has a bound; what changes files goes on to its end, also when its page is left.</summary>
    [Fact]
    public async Task Apply_OfALargeTree_IsNotEndedHalfWay()
    {
        await using var site = await ConsoleSite.StartAsync("--LogSink:Console:CommandSeconds=1");
        await site.FillAsync();
        site.Slow();
        var page = await browser.OpenSessionAsync(site);
        await Browser.PressAsync(page, "Show changes");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("more than 1 seconds");
        await Browser.PressAsync(page, "Apply…");
        await Browser.PressAsync(page, "Yes, apply");
        await Expect(page.GetByText("You may leave this page")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Health" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Sessions" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = ConsoleSite.Session, Exact = true }).ClickAsync();
        await Expect(page.GetByText("You may leave this page")).ToBeVisibleAsync();
        await Expect(page.Locator("pre.said")).ToContainTextAsync("'apply' has ended");
        await Browser.PressAsync(page, "Apply…");
        await Browser.PressAsync(page, "Yes, apply");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("1 applied.");
        Assert.Equal(2, site.Calls.Count(call => call == $"apply {ConsoleSite.Session}"));
        await page.Context.DisposeAsync();
    }

    /// <summary>The real command, and an agent that makes names and contents of a megabyte, and of bytes that are no text.</summary>
    [Fact]
    public async Task Changes_OfMegabytesAndNoText_AreShownInPart()
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        var folder = gatehouse.Folder("project", ("wide.txt", "short\n"), ("bytes.txt", "text\n"));
        var ran = await gatehouse.ScriptAsync(folder,
            """
            head -c 1048576 /dev/zero | tr '\0' w > wide.txt; echo >> wide.txt
            printf 'a\xff\xe2\x80\xae\x1b[2J<img src=x onerror=alert(1)>\n' > bytes.txt
            echo one > $'0\xff\e[2J\xe2\x80\xae<img src=x>.txt'
            long=$(head -c 240 /dev/zero | tr '\0' n)
            for i in $(seq 4500); do echo > z$i$long; done
            """);
        Assert.True(ran.ExitCode == 0, ran.ToString());
        try
        {
            await LookAsync(gatehouse, folder);
        }
        finally
        {
            // Names that are no text are names all the same; the test itself could not take them away.
            Assert.Equal(0, (await gatehouse.RunAsync(folder, ["discard"])).ExitCode);
        }
    }

    private async Task LookAsync(Installation gatehouse, string folder)
    {
        var console = await gatehouse.RunAsync(folder, ["console"]);
        var page = await browser.NewPageAsync();
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        page.Dialog += (_, dialog) => problems.Add(dialog.Message);
        await page.GotoAsync(console.Output.Trim());
        await page.Locator("tbody tr a").First.ClickAsync();
        await Browser.PressAsync(page, "Show changes");
        var files = page.Locator("ul.changed > li");
        await Expect(files).ToHaveCountAsync(500);
        await Expect(page.GetByText("There are more than these 500")).ToBeVisibleAsync();

        await files.Filter(new() { HasText = "wide.txt" }).Locator("button").ClickAsync();
        await Expect(page.Locator("pre.diff")).ToBeVisibleAsync();
        await Expect(page.Locator("pre.diff .removed")).ToHaveTextAsync("-short");
        Assert.InRange((await page.Locator("pre.diff").InnerTextAsync()).Length, 500, 2_000);
        await Expect(page.Locator("pre.diff .added")).ToContainTextAsync(new System.Text.RegularExpressions.Regex("w… \\([0-9,]+ characters\\)"));

        await files.Filter(new() { HasText = "bytes.txt" }).Locator("button").ClickAsync();
        await Expect(page.Locator("pre.diff")).ToBeVisibleAsync();
        await files.Filter(new() { HasText = "<img src=x>.txt" }).Locator("button").ClickAsync();
        await Expect(page.Locator("pre.diff")).ToContainTextAsync("one");
        var shown = await page.Locator("main").InnerTextAsync();
        Assert.DoesNotContain(shown, character => (char.IsControl(character) && character is not ('\n' or '\t')) || char.GetUnicodeCategory(character) == System.Globalization.UnicodeCategory.Format);
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        Assert.Empty(problems);
        await page.Context.DisposeAsync();
    }

    /// <summary>The whole way: an agent in an enclosure, the services as they are started for it, and the folder on the disk.</summary>
    [Fact]
    public async Task Undo_AfterApply_BringsTheFilesBack()
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        var folder = gatehouse.Folder("project", ("settings.ini", "colour = blue\n"), ("gone.txt", "still here\n"));
        var ran = await gatehouse.ScriptAsync(folder, "echo 'colour = <b>red</b>' > settings.ini; rm gone.txt; echo new > made.txt");
        Assert.True(ran.ExitCode == 0, ran.ToString());
        var console = await gatehouse.RunAsync(folder, ["console"]);
        Assert.True(console.ExitCode == 0, console.ToString());
        var page = await browser.NewPageAsync();
        await page.GotoAsync(console.Output.Trim());
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("3 waiting");
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("✓ sealed");
        await page.Locator("tbody tr a").First.ClickAsync();
        await Browser.PressAsync(page, "Show changes");
        var files = page.Locator("ul.changed > li");
        await Expect(files).ToHaveCountAsync(3);
        await files.Filter(new() { HasText = "settings.ini" }).Locator("button").ClickAsync();
        await Expect(page.Locator("pre.diff .added")).ToHaveTextAsync("+colour = <b>red</b>");
        await Expect(page.Locator("pre.diff .removed")).ToHaveTextAsync("-colour = blue");
        Assert.Equal(["blue", "still here", ""], Disk());

        await Browser.PressAsync(page, "Apply…");
        await Browser.PressAsync(page, "Yes, apply");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("3 applied.");
        await Expect(page.GetByText("Nothing is changed that was not applied.")).ToBeVisibleAsync();
        Assert.Equal(["<b>red</b>", "", "new"], Disk());
        await Expect(page.Locator("p.facts")).ToContainTextAsync("Changes: 3 applied");

        await Browser.PressAsync(page, "Undo the last apply…");
        await Browser.PressAsync(page, "Yes, undo");
        await Expect(page.Locator("pre.said")).ToContainTextAsync("3 taken back.");
        await Expect(files).ToHaveCountAsync(3);
        Assert.Equal(["blue", "still here", ""], Disk());
        await Expect(page.Locator("p.facts")).ToContainTextAsync("Changes: 3 waiting");
        await Browser.PressAsync(page, "Discard…");
        await Browser.PressAsync(page, "Yes, discard");
        await Expect(page.Locator("p.facts")).ToContainTextAsync("Changes: discarded");
        await page.Context.DisposeAsync();

        string[] Disk() => [Text("settings.ini").Replace("colour = ", "", StringComparison.Ordinal), Text("gone.txt"), Text("made.txt")];

        string Text(string name) => File.Exists(Path.Combine(folder, name)) ? File.ReadAllText(Path.Combine(folder, name)).Trim() : "";
    }
}
