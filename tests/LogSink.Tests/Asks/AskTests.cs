using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Console.Data;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Tests.Asks;

public sealed class AskTests : IAsyncLifetime
{
    private RunningSink _sink = null!;

    public async Task InitializeAsync() => _sink = await RunningSink.StartAsync();

    public async Task DisposeAsync() => await _sink.DisposeAsync();

    private Task<string> AskAsync(string session = "s1", string host = "api.example.org", int seconds = 60, HttpStatusCode expected = HttpStatusCode.Created, int port = 443) =>
        AskAsync(_sink, session, host, seconds, expected, port);

    private static async Task<string> AskAsync(RunningSink sink, string session = "s1", string host = "api.example.org", int seconds = 60, HttpStatusCode expected = HttpStatusCode.Created, int port = 443)
    {
        var id = Guid.CreateVersion7().ToString();
        using var response = await sink.Client.PostAsJsonAsync("/asks", new
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

    /// <summary>Somebody else writes to the database: what is recorded meanwhile waits.</summary>
    private SqliteConnection HoldRecord()
    {
        var connection = new SqliteConnection($"Data Source={_sink.Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        return connection;
    }

    /// <summary>Nobody ended it then: it waited for ever, and a later "always" still wrote a rule.</summary>
    [Theory]
    [InlineData("no answer in time")]
    [InlineData("the agent hung up")]
    public async Task Ask_ThatEndsWhileAnAnswerFails_NoLongerWaits(string reason)
    {
        var isExpiry = reason == "no answer in time";
        var id = await AskAsync(seconds: isExpiry ? 1 : 60);
        Task<HttpResponseMessage> answering;
        using (HoldRecord())
        {
            // There is no policy file: it fails once it is recorded.
            answering = AnswerAsync(id, scope: "always");
            await Eventually.TrueAsync(() => _sink.Get<AskBoard>().Find(id)!.IsTaken);
            if (isExpiry)
                await Eventually.TrueAsync(() => _sink.Get<AskBoard>().Find(id) is { Ending: not null });
            else
                Assert.Equal(HttpStatusCode.NoContent, (await _sink.Client.DeleteAsync($"/asks/{id}")).StatusCode);
        }

        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await answering).StatusCode);
        Assert.Equal("", await _sink.Client.GetStringAsync("/asks"));
        Assert.Contains("expired", await _sink.Client.GetStringAsync($"/asks/{id}"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, (await AnswerAsync(id, scope: "session")).StatusCode);
        Assert.Contains(reason, await _sink.Client.GetStringAsync("/events"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_WhenTheClockIsSetBack_ExpiresAllTheSame()
    {
        var clock = new ClockThatIsSet();
        await using var sink = await RunningSink.StartAsync(clock);
        var id = await AskAsync(sink, seconds: 1);
        clock.Off = TimeSpan.FromHours(-5);
        Assert.Contains("expired", await sink.Client.GetStringAsync($"/asks/{id}?wait=20"), StringComparison.Ordinal);
    }

    /// <summary>A terminal that went away at that moment broke the ask of a gate: its connection was denied.</summary>
    [Fact]
    public async Task Ask_WhenOneWhoFollowsFails_IsTakenAndTheOthersHearOfIt()
    {
        var board = _sink.Get<AskBoard>();
        var told = 0;
        board.Changed += () => throw new ObjectDisposedException("follower");
        board.Changed += () => Interlocked.Increment(ref told);
        await AskAsync();
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task Stream_FollowersThatComeAndGo_BreakNoAsk()
    {
        using var done = new CancellationTokenSource();
        var followers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                using var response = await _sink.Client.GetAsync("/asks/stream", HttpCompletionOption.ResponseHeadersRead);
            }
        })).ToList();
        for (var i = 0; i < 200; i++)
            await _sink.Client.DeleteAsync($"/asks/{await AskAsync(host: $"h{i}.example.org")}");
        await AskAsync();
        await done.CancelAsync();
        await Task.WhenAll(followers);
    }

    /// <summary>One hold that nobody answers is one denial, and one that somebody allows one attempt that was allowed.</summary>
    [Fact]
    public async Task Answers_AreNoAttempts()
    {
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(await AskAsync())).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AnswerAsync(await AskAsync(host: "b.example.org"), "deny")).StatusCode);
        var connect = Sample.Event(subject: "api.example.org:443") with { Gate = Boundary.Egress, Action = "connect", Rule = "egress.otherwise" };
        await _sink.StoreAsync(connect, connect with { Id = Guid.CreateVersion7(), Verdict = VerdictKind.Denied });

        var session = Assert.Single(await _sink.GetLinesAsync("/sessions"));
        Assert.Equal((1, 1), (session.GetProperty("allowed").GetInt32(), session.GetProperty("denied").GetInt32()));
        Assert.Equal(2, _sink.Get<RuleUse>().Count("s1").Of["egress.otherwise"]);
        Assert.Equal(4, (await _sink.GetLinesAsync("/events")).Count);
    }
}
