using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Asks;

public sealed class AskTests : IAsyncLifetime
{
    private RunningSink _sink = null!;

    public async Task InitializeAsync() => _sink = await RunningSink.StartAsync();

    public async Task DisposeAsync() => await _sink.DisposeAsync();

    private async Task<string> AskAsync(string session = "s1", string host = "api.example.org", int seconds = 60, HttpStatusCode expected = HttpStatusCode.Created, int port = 443)
    {
        var id = Guid.CreateVersion7().ToString();
        using var response = await _sink.Client.PostAsJsonAsync("/asks", new
        {
            id,
            session,
            gate = "egress",
            subject = "told differently",
            host,
            port,
            rule = "egress.otherwise",
            expires = TimeProvider.System.GetUtcNow().AddSeconds(seconds),
        });
        Assert.Equal(expected, response.StatusCode);
        return id;
    }

    private Task<HttpResponseMessage> AnswerAsync(string id, string verdict = "allow", string scope = "once") =>
        _sink.Client.PostAsJsonAsync($"/asks/{id}/answer", new { verdict, scope });

    [Theory]
    [InlineData("allow", "once", "allowed")]
    [InlineData("allow", "session", "allowed")]
    [InlineData("deny", "once", "denied")]
    public async Task Answer_Waiting_ReachesWhoWaitsAndTheRecord(string verdict, string scope, string state)
    {
        var id = await AskAsync();
        var waiting = _sink.Client.GetStringAsync($"/asks/{id}?wait=20");
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(id, verdict, scope)).StatusCode);
        Assert.Equal($$"""{"state":"{{state}}","scope":"{{scope}}"}""", await waiting);
        Assert.Equal(HttpStatusCode.Conflict, (await AnswerAsync(id)).StatusCode);
        Assert.Equal("", await _sink.Client.GetStringAsync("/asks?state=waiting"));
        var record = JsonDocument.Parse((await _sink.Client.GetStringAsync("/events")).Split('\n')[0]).RootElement;
        Assert.Equal($"ask.{state}", record.GetProperty("action").GetString());
        Assert.Equal("api.example.org:443", record.GetProperty("subject").GetString());
        Assert.Equal("terminal", record.GetProperty("detail").GetProperty("who").GetString());
    }

    [Fact]
    public async Task Ask_Unanswered_Expires()
    {
        var id = await AskAsync(seconds: 1);
        Assert.Contains("expired", await _sink.Client.GetStringAsync($"/asks/{id}?wait=10"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, (await AnswerAsync(id)).StatusCode);
        Assert.Contains("ask.expired", await _sink.Client.GetStringAsync("/events"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_Withdrawn_NoLongerWaits()
    {
        var id = await AskAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await _sink.Client.DeleteAsync($"/asks/{id}")).StatusCode);
        Assert.Equal("", await _sink.Client.GetStringAsync("/asks"));
        Assert.Equal(HttpStatusCode.Conflict, (await AnswerAsync(id)).StatusCode);
    }

    [Fact]
    public async Task Ask_Flood_IsBoundedForItsSessionAlone()
    {
        for (var i = 0; i < 64; i++)
            await AskAsync(host: $"h{i}.example.org");
        await AskAsync(host: "more.example.org", expected: HttpStatusCode.TooManyRequests);
        await AskAsync("s2");
    }

    [Fact]
    public async Task Ask_TakenBackAgainAndAgain_LeavesRoomForItselfAndOthers()
    {
        for (var i = 0; i < 2_100; i++)
            await _sink.Client.DeleteAsync($"/asks/{await AskAsync(host: $"h{i}.example.org")}");
        await AskAsync();
        await AskAsync("s2");
    }

    /// <summary>An answer is kept for the gate to fetch; that must not be without bound either, nor at the cost of others.</summary>
    [Fact]
    public async Task Ask_AnsweredOnes_CountForTheirSessionAlone()
    {
        for (var i = 0; i < 128; i++)
            Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(await AskAsync(host: $"h{i}.example.org"), "deny")).StatusCode);
        await AskAsync(expected: HttpStatusCode.TooManyRequests);
        await AskAsync("s2");
    }

    [Theory]
    [InlineData("s1", "bad host", 443)]
    [InlineData("s1", "a\u202eb.test", 443)]
    [InlineData("s1", "", 443)]
    [InlineData("s1", "x.test", 0)]
    [InlineData("s1", "x.test", 65536)]
    [InlineData("../s", "x.test", 443)]
    public async Task Ask_Malformed_Is400(string session, string host, int port) =>
        await AskAsync(session, host, expected: HttpStatusCode.BadRequest, port: port);

    [Fact]
    public async Task Answer_UnknownOrWithoutToken_IsRefused()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await AnswerAsync(Guid.CreateVersion7().ToString())).StatusCode);
        var id = await AskAsync();
        using var stranger = _sink.NewClient("another");
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.PostAsJsonAsync($"/asks/{id}/answer", new { verdict = "allow", scope = "once" })).StatusCode);
    }

    [Fact]
    public async Task Answer_AlwaysWithoutPolicyFile_StillWaits()
    {
        var id = await AskAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await AnswerAsync(id, scope: "always")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(id, scope: "session")).StatusCode);
    }

    [Fact]
    public async Task Answer_Always_WritesTheRuleAndKeepsTheRest()
    {
        var path = Path.Combine(_sink.Folder, "gatehouse.yaml");
        const string Before = "version: 1\negress:\n  otherwise: ask # mine\n  allow:\n    - host: a.test # first\n# end\n";
        await File.WriteAllTextAsync(path, Before);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        using var content = new StringContent(JsonSerializer.Serialize(new
        {
            id = Guid.CreateVersion7(),
            time = TimeProvider.System.GetUtcNow(),
            session = "s1",
            gate = "sandbox",
            action = "session.start",
            subject = "run",
            verdict = "allowed",
            detail = new { policy = path },
        }) + "\n", System.Text.Encoding.UTF8, "application/x-ndjson");
        Assert.Equal(HttpStatusCode.OK, (await _sink.Client.PostAsync("/events", content)).StatusCode);
        var id = await AskAsync();
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(id, scope: "always")).StatusCode);
        Assert.Equal(Before.Replace("# first\n", "# first\n    - { host: api.example.org, ports: [443] }\n", StringComparison.Ordinal), await File.ReadAllTextAsync(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
    }
}
