using System.Collections.Immutable;
using System.Net;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Tests.Query;

public sealed class SessionsTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static BoundaryEvent Start(string session) => Sample.Event(session, "claude") with
    {
        Gate = Boundary.Sandbox,
        Action = "session.start",
        Time = s_start,
        Detail = ImmutableSortedDictionary<string, string>.Empty
            .Add("command", "claude -p").Add("workingDirectory", "/home/me").Add("policy", "gatehouse.yaml").Add("isolation", "bubblewrap").Add("pid", "7"),
    };

    private static BoundaryEvent End(string session, string exitCode) => Sample.Event(session, "claude") with
    {
        Gate = Boundary.Sandbox,
        Action = "session.end",
        Time = s_start.AddMinutes(5),
        Detail = ImmutableSortedDictionary<string, string>.Empty.Add("exitCode", exitCode).Add("reason", "exited"),
    };

    [Fact]
    public async Task Session_FromStartToEnd_IsSummedUp()
    {
        await using var sink = await RunningSink.StartAsync();
        var allowed = Sample.Event();
        await sink.StoreAsync(Start("s1"), allowed, Sample.Event() with { Verdict = VerdictKind.Denied });
        await sink.StoreAsync(
            Sample.Event() with { Attempt = allowed.Id, Action = "connect.end", BytesSent = 10, BytesReceived = 200 },
            Sample.Event() with { BytesSent = 1, BytesReceived = 2 }, End("s1", "-3"));
        // What is sent again counts once.
        await sink.StoreAsync(allowed);

        var session = Assert.Single(await sink.GetLinesAsync("/sessions"));
        Assert.Equal(
            """{"session":"s1","started":"2026-11-23T12:00:00+00:00","ended":"2026-11-23T12:05:00+00:00","exitCode":-3,"command":"claude -p","workingDirectory":"/home/me","policy":"gatehouse.yaml","isolation":"bubblewrap","allowed":2,"denied":1,"bytesSent":11,"bytesReceived":202,"gates":{"dns":{"records":4},"sandbox":{"records":2}}}""",
            session.GetRawText().Replace("\\u002B", "+", StringComparison.Ordinal));
    }

    private static BoundaryEvent Seal(string session, Boundary gate, string records) => Sample.Event(session, $"{records} events") with
    {
        Gate = gate,
        Action = "seal",
        Detail = ImmutableSortedDictionary<string, string>.Empty.Add("records", records),
    };

    [Fact]
    public async Task Seal_ThatMatches_IsSilentAndIsNoAttempt()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync([.. Sample.Many(3), Seal("s1", Boundary.Dns, "3"), Seal("s1", Boundary.Egress, "0")]);

        var session = Assert.Single(await sink.GetLinesAsync("/sessions"));
        Assert.Equal("""{"dns":{"records":3,"sealed":3},"egress":{"records":0,"sealed":0}}""", session.GetProperty("gates").GetRawText());
        Assert.Equal(3, session.GetProperty("allowed").GetInt64());
        Assert.DoesNotContain("incomplete", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4")]
    [InlineData("2")]
    [InlineData("many")]
    [InlineData("-3")]
    public async Task Seal_ThatDoesNotMatch_IsFoundByVerification(string records)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync([.. Sample.Many(3), Seal("s1", Boundary.Dns, records)]);

        using var result = System.Text.Json.JsonDocument.Parse(await sink.Client.GetStringAsync("/verify"));

        Assert.True(result.RootElement.GetProperty("ok").GetBoolean());
        var incomplete = Assert.Single(result.RootElement.GetProperty("incomplete").EnumerateArray());
        Assert.Equal(("s1", "dns", 3L), (incomplete.GetProperty("session").GetString(), incomplete.GetProperty("gate").GetString(), incomplete.GetProperty("records").GetInt64()));
        Assert.Equal(records is "4" or "2" ? long.Parse(records, System.Globalization.CultureInfo.InvariantCulture) : 0, incomplete.GetProperty("sealed").GetInt64());
    }

    [Fact]
    public async Task Seal_OfAGateThatWasStartedAnew_AddsUp()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync([.. Sample.Many(3), Seal("s1", Boundary.Dns, "3")]);
        var again = Seal("s1", Boundary.Dns, "2");
        await sink.StoreAsync([.. Sample.Many(2), again]);
        // Sent again: it counts once.
        await sink.StoreAsync(again);

        Assert.DoesNotContain("incomplete", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Seal_OfAGateThatAsked_DoesNotCountTheAnswers()
    {
        await using var sink = await RunningSink.StartAsync();
        // As the sink itself records what a person answered.
        var answer = Sample.Event() with { Gate = Boundary.Egress, Action = "ask.allowed", Subject = "api.example.org:443" };
        await sink.StoreAsync(answer, Sample.Event() with { Gate = Boundary.Egress, Action = "connect" }, Seal("s1", Boundary.Egress, "1"));

        Assert.DoesNotContain("incomplete", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
    }

    private static BoundaryEvent Changes(string action, string said, string? waiting, int minute) => Sample.Event("s1", said) with
    {
        Gate = Boundary.Filesystem,
        Action = action,
        Time = s_start.AddMinutes(minute),
        Detail = waiting is null ? null : ImmutableSortedDictionary<string, string>.Empty.Add("waiting", waiting),
    };

    [Fact]
    public async Task Changes_OfASession_AreWhatWasSaidLast()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Start("s1"));
        Assert.False(Assert.Single(await sink.GetLinesAsync("/sessions")).TryGetProperty("changes", out _));

        await sink.StoreAsync(Changes("changes", "2 added, 1 modified", "3", 1), End("s1", "0"));
        await ExpectAsync("2 added, 1 modified", 3);
        await sink.StoreAsync(Changes("changes.applied", "2 applied", "1", 3));
        await ExpectAsync("2 applied", 1);
        // Of before, and late.
        await sink.StoreAsync(Changes("changes.undone", "1 taken back", "2", 2));
        await ExpectAsync("2 applied", 1);
        await sink.StoreAsync(Changes("changes.undone", "2 taken back", "3", 4), Changes("changes.discarded", "discarded", "0", 5));
        await ExpectAsync("discarded", 0);
        // No other's word counts.
        await sink.StoreAsync(Changes("changesets", "many", "9", 6), Changes("changes", "many", "9", 6) with { Gate = Boundary.Egress });
        await ExpectAsync("discarded", 0);

        async Task ExpectAsync(string said, int waiting)
        {
            var session = Assert.Single(await sink.GetLinesAsync("/sessions"));
            Assert.Equal((said, waiting), (session.GetProperty("changes").GetString(), session.GetProperty("waiting").GetInt32()));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("-1")]
    [InlineData("some")]
    [InlineData("99999999999999999999")]
    public async Task Changes_ThatWereNotCounted_AreNotANumber(string? waiting)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Changes("changes", "1 added", "1", 1), Changes("changes", "what it changed could not be looked at", waiting, 2));

        var session = Assert.Single(await sink.GetLinesAsync("/sessions"));
        Assert.Equal("what it changed could not be looked at", session.GetProperty("changes").GetString());
        Assert.False(session.TryGetProperty("waiting", out _));
        // Nor an attempt of the agent's.
        Assert.Equal(0, session.GetProperty("allowed").GetInt64());
    }

    [Fact]
    public async Task Session_WithoutItsStart_BeginsWithItsFirstEvent()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event() with { Time = s_start });

        var session = Assert.Single(await sink.GetLinesAsync("/sessions"));

        Assert.Equal(s_start, session.GetProperty("started").GetDateTimeOffset());
        Assert.False(session.TryGetProperty("ended", out _));
        Assert.False(session.TryGetProperty("command", out _));
    }

    [Fact]
    public async Task Session_StartArrivesLate_OrAgain_IsTheFirstOne()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event());
        await sink.StoreAsync(Start("s1"));
        await sink.StoreAsync(Start("s1") with { Time = s_start.AddHours(1) });

        Assert.Equal(s_start, Assert.Single(await sink.GetLinesAsync("/sessions")).GetProperty("started").GetDateTimeOffset());
    }

    [Fact]
    public async Task Sessions_Many_AreListedNewestFirst()
    {
        await using var sink = await RunningSink.StartAsync();
        // By arrival: a clock that went back does not hide a session behind older ones.
        await sink.StoreAsync(Start("b"), Start("a"), Start("c") with { Time = s_start.AddDays(-1) });
        await sink.StoreAsync(End("b", "0"));

        Assert.Equal(["c", "a", "b"], await NamesAsync(sink, ""));
        Assert.Equal(["c", "a"], await NamesAsync(sink, "?limit=2"));
        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/sessions?limit=1001"));
        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/sessions?command=a"));
    }

    [Theory]
    [InlineData("?session=ab", "ab")]
    [InlineData("?session=a", "")]
    [InlineData("?prefix=a", "ac ab")]
    [InlineData("?prefix=ab", "ab")]
    [InlineData("?prefix=%25", "")]
    [InlineData("?prefix=a_", "")]
    [InlineData("?prefix=A", "")]
    [InlineData("?older=ac", "b ab")]
    [InlineData("?older=ac&limit=1", "b")]
    [InlineData("?older=ab", "")]
    [InlineData("?older=unknown", "")]
    public async Task Sessions_ByName_AreThoseAndNoOther(string query, string expected)
    {
        await using var sink = await RunningSink.StartAsync();
        foreach (var session in new[] { "ab", "b", "ac" })
            await sink.StoreAsync(Start(session), Seal(session, Boundary.Dns, "0"));

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), await NamesAsync(sink, query));
        Assert.All(await sink.GetLinesAsync("/sessions" + query), session => Assert.Equal(["dns", "sandbox"], session.GetProperty("gates").EnumerateObject().Select(gate => gate.Name)));
    }

    [Fact]
    public async Task Session_BytesBeyondAllMeasure_StopAtTheBound()
    {
        await using var sink = await RunningSink.StartAsync();
        for (var i = 0; i < 3; i++)
            await sink.StoreAsync(Sample.Many(1_000).Select(each => each with { BytesSent = 1L << 53 }));

        Assert.Equal(1L << 53, Assert.Single(await sink.GetLinesAsync("/sessions")).GetProperty("bytesSent").GetInt64());
    }

    private static async Task<IEnumerable<string?>> NamesAsync(RunningSink sink, string query) =>
        (await sink.GetLinesAsync("/sessions" + query)).Select(line => line.GetProperty("session").GetString());
}
