using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Gatehouse.Console.Tests;

/// <summary>A policy file read and edited by a person.</summary>
public sealed class PolicyTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Fact]
    public async Task Policy_Edited_IsCheckedShownAndSaved()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Policy" }).ClickAsync();
        var rules = page.Locator("table tbody tr");
        await Expect(rules.Nth(0)).ToContainTextAsync("20");
        await Expect(rules.Nth(1)).ToContainTextAsync("never");

        var save = Browser.Button(page, "Save");
        var text = page.Locator("textarea");
        var before = await text.InputValueAsync();
        await text.FillAsync(before.Replace("egress:", "egres:", StringComparison.Ordinal));
        await Browser.PressAsync(page, "Check and show the diff");
        await Expect(page.Locator(".errors")).ToContainTextAsync("gatehouse.yaml:3:1");
        await Expect(save).ToHaveAttributeAsync("disabled", "");

        await Browser.PressAsync(page, "Begin again");
        await Expect(text).ToHaveValueAsync(before);
        await Browser.PressAsync(page, "Add to the edit below");
        await Expect(page.Locator("pre.diff .added")).ToContainTextAsync("blocked.example");
        // A line of the file is a line of the page.
        Assert.Contains((await page.Locator("pre.diff").InnerTextAsync()).Split('\n'), line => line.StartsWith("+ ", StringComparison.Ordinal) && line.Contains("blocked.example", StringComparison.Ordinal));
        await Browser.PressAsync(page, "Save");
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
        await Browser.PressAsync(page, "Check and show the diff");
        await File.AppendAllTextAsync(site.Policy, "# mine\n");
        await Browser.PressAsync(page, "Save");
        await Expect(page.Locator(".said")).ToContainTextAsync("changed meanwhile");
        Assert.EndsWith("# mine\n", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        Assert.DoesNotContain("other.example.org", await File.ReadAllTextAsync(site.Policy), StringComparison.Ordinal);
        var record = await site.Client.GetStringAsync("/events?order=desc&limit=2");
        var (failed, edited) = (JsonDocument.Parse(record.Split('\n')[0]).RootElement, JsonDocument.Parse(record.Split('\n')[1]).RootElement);
        Assert.Equal("policy.edited", edited.GetProperty("action").GetString());
        Assert.Equal("policy.failed", failed.GetProperty("action").GetString());
        Assert.Equal("denied", failed.GetProperty("verdict").GetString());
        Assert.Contains("changed meanwhile", failed.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(edited.GetProperty("detail").GetRawText(), failed.GetProperty("detail").GetRawText());
        await page.Context.DisposeAsync();
    }

    /// <summary>The record names rules by the place that they had.</summary>
    [Fact]
    public async Task Policy_WhoseRulesMoved_CountsThemByTheirText()
    {
        var (site, session) = await shared.FillAsync();
        await File.WriteAllTextAsync(site.Policy, "version: 1\negress:\n  allow:\n    - host: first.example.org\n    - host: api.example.org\n    - { host: api.example.org, ports: [8443] }\n");
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "policy/" + session);
        var rules = page.Locator("table tbody tr");
        await Expect(rules.Nth(0)).ToContainTextAsync("never");
        await Expect(rules.Nth(1)).ToContainTextAsync("20 (all of this name)");
        await Expect(rules.Nth(2)).ToContainTextAsync("20 (all of this name)");
        await Expect(page.GetByText("All of its records are counted.")).ToBeVisibleAsync();
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_OfAnotherSession_IsChosen()
    {
        var (site, older) = await shared.FillAsync();
        var (_, newer) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "policy/" + older);
        await Expect(page.Locator("p.facts a")).ToHaveTextAsync(older);
        await Expect(page.Locator("p.facts")).ToContainTextAsync(site.Policy + ", as it is now");
        await Expect(page.Locator(".filters select")).ToHaveValueAsync(older);
        await page.Locator(".filters select").SelectOptionAsync(newer);
        await Expect(page.Locator("p.facts a")).ToHaveTextAsync(newer);
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex($"/policy/{newer}$"));
        await page.GotoAsync(page.Url + "-none");
        await Expect(page.Locator(".empty")).ToContainTextAsync($"The policy of session {newer}-none is built in");
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_WithCarriageReturns_KeepsThemWhereNothingWasEdited()
    {
        var (site, session) = await shared.FillAsync();
        var before = (await File.ReadAllTextAsync(site.Policy)).Replace("\n", "\r\n", StringComparison.Ordinal);
        await File.WriteAllTextAsync(site.Policy, before);
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "policy/" + session);
        var text = page.Locator("textarea");
        await text.FillAsync((await text.InputValueAsync()).Replace("never.example.org", "other.example.org", StringComparison.Ordinal));
        await Browser.PressAsync(page, "Check and show the diff");
        await Expect(page.Locator("pre.diff .added")).ToHaveTextAsync("+     - host: other.example.org");
        await Expect(page.Locator("pre.diff .removed")).ToHaveCountAsync(1);
        await Browser.PressAsync(page, "Save");
        await Expect(page.Locator(".said")).ToContainTextAsync("Saved");
        Assert.Equal(before.Replace("never.example.org", "other.example.org", StringComparison.Ordinal), await File.ReadAllTextAsync(site.Policy));
        await page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Policy_EditedAndNotSaved_IsNotLostWithoutAQuestion()
    {
        var (site, session) = await shared.FillAsync();
        var page = await browser.SignInAsync(site);
        await page.GotoAsync(page.Url + "policy/" + session);
        var answers = new Queue<bool>([false, true]);
        page.Dialog += (_, dialog) => _ = answers.Dequeue() ? dialog.AcceptAsync() : dialog.DismissAsync();
        var text = page.Locator("textarea");
        var edit = await text.InputValueAsync() + "# more\n";
        await text.FillAsync(edit);
        await page.GetByRole(AriaRole.Link, new() { Name = "Health" }).ClickAsync();
        await TestKit.Eventually.TrueAsync(() => Task.FromResult(answers.Count == 1));
        await Expect(text).ToHaveValueAsync(edit);
        await page.GetByRole(AriaRole.Link, new() { Name = "Health" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Health");
        Assert.Empty(answers);
        await page.Context.DisposeAsync();
    }
}
