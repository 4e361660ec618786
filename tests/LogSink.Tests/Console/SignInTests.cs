using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.LogSink.Tests.Console;

/// <summary>How long a link and a sign-in last, by a clock that is set.</summary>
public sealed class SignInTests : IAsyncLifetime
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new(new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero));
    private RunningSink _sink = null!;

    public async Task InitializeAsync() => _sink = await RunningSink.StartAsync(_time);

    public async Task DisposeAsync() => await _sink.DisposeAsync();

    [Theory]
    [InlineData(299, HttpStatusCode.OK)]
    [InlineData(300, HttpStatusCode.Unauthorized)]
    public async Task Link_Opened_WorksForFiveMinutes(int seconds, HttpStatusCode status)
    {
        var link = await LinkAsync();
        _time.Advance(TimeSpan.FromSeconds(seconds));
        using var browser = NewBrowser();
        using var response = await browser.GetAsync(link);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(status == HttpStatusCode.OK, response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Link_OpenedByManyAtOnce_SignsOneIn()
    {
        using var browser = NewBrowser();
        for (var round = 0; round < 20; round++)
        {
            var link = await LinkAsync();
            var responses = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => browser.GetAsync(link)));
            Assert.Single(responses, response => response.StatusCode == HttpStatusCode.OK);
            Assert.Single(responses, response => response.Headers.Contains("Set-Cookie"));
            Assert.Equal(7, responses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized));
        }
    }

    [Fact]
    public async Task SignIn_AfterTwelveHours_EndsWithWhatItOpened()
    {
        var visit = await SignInAsync();
        using var socket = await OpenAsync(visit);
        _time.Advance(TimeSpan.FromHours(12) - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visit));
        Assert.Equal(WebSocketState.Open, socket.State);
        _time.Advance(TimeSpan.FromSeconds(1));
        await AssertCutAsync(socket);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visit));
    }

    [Fact]
    public async Task SignOut_OfOneVisit_EndsItsConnectionsAndNoOthers()
    {
        var (visit, other) = (await SignInAsync(), await SignInAsync());
        using var first = await OpenAsync(visit);
        using var second = await OpenAsync(visit);
        using var others = await OpenAsync(other);
        using var browser = NewBrowser(visit.Cookie);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(visit.Console, "sign-out"));
        request.Headers.Add("Origin", _sink.Url.GetLeftPart(UriPartial.Authority));
        using var response = await browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await AssertCutAsync(first);
        await AssertCutAsync(second);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(other));
        Assert.Equal(WebSocketState.Open, others.State);
    }

    [Fact]
    public async Task SignIn_WhenOthersTakeItsPlace_EndsWithWhatItOpened()
    {
        var visit = await SignInAsync();
        using var socket = await OpenAsync(visit);
        // Which of two is older must be known.
        _time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 15; i++)
            await SignInAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visit));
        await SignInAsync();
        await AssertCutAsync(socket);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(visit));
    }

    /// <summary>A page on another port of this machine may set cookies of the console's name, for every path.</summary>
    [Theory]
    [InlineData("gatehouse-console=x; {0}", HttpStatusCode.OK)]
    [InlineData("{0}; gatehouse-console=x", HttpStatusCode.OK)]
    [InlineData("gatehouse-console=0000000000000000000000000000000000000000000000000000000000000000; other=\"; ;=; {0};gatehouse-console=", HttpStatusCode.OK)]
    [InlineData("gatehouse-console=x; x{0}", HttpStatusCode.Unauthorized)]
    [InlineData("gatehouse-console=x", HttpStatusCode.Unauthorized)]
    public async Task Cookie_BesideOthersOfItsName_IsFound(string header, HttpStatusCode status)
    {
        var visit = await SignInAsync();
        Assert.Equal(status, await StatusAsync(visit with { Cookie = string.Format(System.Globalization.CultureInfo.InvariantCulture, header, visit.Cookie) }));
    }

    private async Task<Uri> LinkAsync()
    {
        using var response = await _sink.Client.PostAsync("/console/links", null);
        using var link = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return new(_sink.Url, link.RootElement.GetProperty("path").GetString());
    }

    private async Task<Visit> SignInAsync()
    {
        using var browser = NewBrowser();
        using var response = await browser.GetAsync(await LinkAsync());
        var cookie = response.Headers.GetValues("Set-Cookie").Single();
        return new(cookie.Split(';')[0], new(_sink.Url, cookie.Split("path=")[1].Split(';')[0] + "/"));
    }

    private static HttpClient NewBrowser(string? cookie = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        if (cookie is not null)
            client.DefaultRequestHeaders.TryAddWithoutValidation("Cookie", cookie);
        return client;
    }

    private static async Task<HttpStatusCode> StatusAsync(Visit visit)
    {
        using var browser = NewBrowser(visit.Cookie);
        using var response = await browser.GetAsync(visit.Console);
        return response.StatusCode;
    }

    /// <summary>As a page does, as far as the first answer.</summary>
    private static async Task<ClientWebSocket> OpenAsync(Visit visit)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", visit.Cookie);
        socket.Options.SetRequestHeader("Origin", visit.Console.GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(new UriBuilder(new Uri(visit.Console, "_blazor")) { Scheme = "ws" }.Uri, CancellationToken.None);
        await socket.SendAsync("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        using var timeout = new CancellationTokenSource(s_within);
        var received = await socket.ReceiveAsync(new byte[1024], timeout.Token);
        Assert.NotEqual(WebSocketMessageType.Close, received.MessageType);
        return socket;
    }

    private static async Task AssertCutAsync(ClientWebSocket socket)
    {
        using var timeout = new CancellationTokenSource(s_within);
        try
        {
            while ((await socket.ReceiveAsync(new byte[1024], timeout.Token)).MessageType != WebSocketMessageType.Close)
            {
                // Pings.
            }
        }
        catch (WebSocketException)
        {
            // Cut.
        }

        Assert.NotEqual(WebSocketState.Open, socket.State);
    }

    private sealed record Visit(string Cookie, Uri Console);
}
