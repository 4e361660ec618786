using System.Net;
using System.Net.WebSockets;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.Console.Tests;

/// <summary>Who is let in, and by which way; without a browser, as an attacker would.</summary>
[NoScriptErrors]
public sealed class AccessTests(Browser browser, SharedSite shared) : IClassFixture<Browser>, IClassFixture<SharedSite>
{
    [Theory]
    [InlineData("/console")]
    [InlineData("/console/")]
    [InlineData("/console/sign-in")]
    [InlineData("/console/sign-in?key=0000")]
    [InlineData("/console/00000000000000000000000000000000/")]
    [InlineData("/console/00000000000000000000000000000000/_blazor/negotiate")]
    public async Task Console_WithoutSigningIn_IsRefusedAndSaysHow(string path)
    {
        var site = shared.Site;
        using var stranger = new HttpClient { BaseAddress = site.Url };
        using var response = await stranger.GetAsync(path);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("gatehouse console", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        AssertGuarded(response);
    }

    [Theory]
    [InlineData("")]
    [InlineData("console.css")]
    [InlineData("_framework/blazor.web.js")]
    [InlineData("pending")]
    [InlineData("nothing-of-the-kind")]
    public async Task Console_SignedIn_IsGuardedWhateverItAnswers(string path)
    {
        using var client = await SignedInAsync(shared.Site);
        using var response = await client.GetAsync(path);
        AssertGuarded(response);
    }

    [Fact]
    public async Task Link_Made_WantsTheToken()
    {
        var site = shared.Site;
        using var stranger = new HttpClient { BaseAddress = site.Url };
        using var response = await stranger.PostAsync("/console/links", null);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Link_UsedTwice_WorksOnce()
    {
        var site = shared.Site;
        var link = await site.LinkAsync();
        using var first = NewBrowser(site, out _);
        Assert.Equal(HttpStatusCode.OK, (await first.GetAsync(link)).StatusCode);
        using var second = NewBrowser(site, out var cookies);
        Assert.Equal(HttpStatusCode.Unauthorized, (await second.GetAsync(link)).StatusCode);
        Assert.Equal(0, cookies.Count);
    }

    [Fact]
    public async Task Cookie_OfTheConsole_IsHiddenFromScriptsAndBoundToAnUnguessablePath()
    {
        var site = shared.Site;
        using var client = NewBrowser(site, out _);
        using var response = await client.GetAsync(await site.LinkAsync());
        var cookie = response.Headers.GetValues("Set-Cookie").Single();
        Assert.Matches("^gatehouse-console=[0-9a-f]{64}; max-age=43200; path=/console/[0-9a-f]{32}; samesite=strict; httponly$", cookie);
    }

    [Fact]
    public async Task Cookie_OfTheConsole_OpensNothingElseOfTheSink()
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        foreach (var path in new[] { "events", "sessions.json", "verify", "key", "asks", "console/links" })
        {
            using var response = await client.GetAsync(path);
            // The console's own "not found", or nothing; never the record's interface.
            Assert.DoesNotContain("json", response.Content.Headers.ContentType?.MediaType ?? "", StringComparison.Ordinal);
        }

        using var direct = await client.GetAsync("/events");
        Assert.Equal(HttpStatusCode.Unauthorized, direct.StatusCode);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Request_OnBehalfOfAnotherPage_IsRefused(string header, string value)
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        request.Headers.Add(header, value);
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        using var own = await client.GetAsync("");
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    [Fact]
    public async Task Form_WithoutAnOrigin_IsRefused()
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        using var response = await client.PostAsync("sign-out", null);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("http://evil.example")]
    public async Task WebSocket_OfAnotherOrigin_IsRefused(string? origin)
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", client.DefaultRequestHeaders.GetValues("Cookie").Single());
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        var address = new UriBuilder(new Uri(client.BaseAddress!, "_blazor")) { Scheme = "ws" }.Uri;
        var error = await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(address, CancellationToken.None));
        Assert.Contains("403", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_OfAnotherName_IsRefused()
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        request.Headers.Host = "rebound.example";
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, response.StatusCode);
    }

    [Fact]
    public async Task Keys_OfTheConsole_AreNotOnTheDisk()
    {
        var site = shared.Site;
        using var client = await SignedInAsync(site);
        Assert.Contains("Blazor", await client.GetStringAsync(""), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(site.Home, "*", SearchOption.AllDirectories));
    }

    /// <summary>An agent may publish a page on this very machine. Cookies know hosts, not ports.</summary>
    [Fact]
    public async Task Cookie_OfTheConsole_IsNotSentToAPageOnAnotherPort()
    {
        var site = shared.Site;
        await using var other = await TestOrigin.StartAsync(null, app => app.MapGet("/{**path}", () => Results.Content("<img src='/console/x'><img src='/console/'>", "text/html")));
        var page = await browser.SignInAsync(site);
        await page.GotoAsync($"http://127.0.0.1:{other.EndPoint.Port}/console/");
        await page.WaitForLoadStateAsync(Microsoft.Playwright.LoadState.NetworkIdle);
        Assert.True(other.Requests.Count >= 2);
        Assert.DoesNotContain(other.Requests, request => request.Headers.ContainsKey("Cookie"));
        await page.Context.DisposeAsync();
    }

    /// <summary>Word for word: a directive that is weakened or lost shows.</summary>
    private static void AssertGuarded(HttpResponseMessage response)
    {
        Assert.Equal(
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
            response.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("same-origin", response.Headers.GetValues("Referrer-Policy").Single());
        Assert.Equal("same-origin", response.Headers.GetValues("Cross-Origin-Opener-Policy").Single());
        Assert.Equal("same-origin", response.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
    }

    private static HttpClient NewBrowser(ConsoleSite site, out CookieContainer cookies)
    {
        cookies = new();
        return new(new SocketsHttpHandler { CookieContainer = cookies, AllowAutoRedirect = false }) { BaseAddress = site.Url };
    }

    /// <summary>Its base address is the console's.</summary>
    private static async Task<HttpClient> SignedInAsync(ConsoleSite site)
    {
        using var first = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        using var response = await first.GetAsync(await site.LinkAsync());
        var cookie = response.Headers.GetValues("Set-Cookie").Single();
        var path = cookie.Split("path=")[1].Split(';')[0];
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new(site.Url, path + "/") };
        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        return client;
    }
}
