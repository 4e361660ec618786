using System.Net;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Tests.Query;

public sealed class EventQueryTests
{
    [Theory]
    [InlineData("", "7 6 5 4 3 2 1")]
    [InlineData("order=asc", "1 2 3 4 5 6 7")]
    [InlineData("limit=2", "7 6")]
    [InlineData("limit=0", "")]
    [InlineData("limit=1000", "7 6 5 4 3 2 1")]
    [InlineData("order=asc&limit=2", "1 2")]
    [InlineData("after=5", "7 6")]
    [InlineData("before=3", "2 1")]
    [InlineData("after=2&before=6&order=asc", "3 4 5")]
    [InlineData("after=6&before=7", "")]
    [InlineData("before=0", "")]
    [InlineData("after=9223372036854775807", "")]
    [InlineData("session=s1", "3 2 1")]
    [InlineData("session=s", "")]
    [InlineData("gate=egress", "6 3")]
    [InlineData("verdict=denied", "5 2")]
    [InlineData("session=s1&verdict=allowed&order=asc", "1 3")]
    [InlineData("session=s2&gate=egress", "6")]
    [InlineData("gate=dns&verdict=allowed", "7 4 1")]
    [InlineData("gate=filesystem", "")]
    [InlineData("name=example", "7 6 5 4 3 2 1")]
    [InlineData("name=EXAMPLE.com:443", "6 3")]
    [InlineData("name=n1.&session=s2", "4")]
    [InlineData("name=", "7 6 5 4 3 2 1")]
    public async Task Filter_SelectsAndOrders(string query, string sequences)
    {
        await using var sink = await RunningSink.StartAsync();
        foreach (var session in (string[])["s1", "s2"])
        {
            await sink.StoreAsync(
                Sample.Event(session, "n1.example.com A"),
                Sample.Event(session, "n2.example.com A") with { Verdict = VerdictKind.Denied, Gate = Boundary.Secrets },
                Sample.Event(session, "n3.example.com:443") with { Gate = Boundary.Egress });
        }

        await sink.StoreAsync(Sample.Event("s3", "example"));

        Assert.Equal(sequences, string.Join(' ', (await sink.GetLinesAsync("/events?" + query)).Select(Sequence)));
    }

    [Theory]
    [InlineData("limit=1001")]
    [InlineData("limit=-1")]
    [InlineData("limit=ten")]
    [InlineData("limit=")]
    [InlineData("limit=1&limit=2")]
    [InlineData("after=-1")]
    [InlineData("after=1.5")]
    [InlineData("after=9223372036854775808")]
    [InlineData("before=%20")]
    [InlineData("order=random")]
    [InlineData("gate=Dns")]
    [InlineData("gate=dns'--")]
    [InlineData("verdict=maybe")]
    [InlineData("verdict=allowed%00")]
    [InlineData("colour=red")]
    [InlineData("Session=s1")]
    public async Task Parameter_NotUnderstood_IsRefusedWithTheReason(string query)
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.Client.GetAsync("/events?" + query);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Contains(query[..query.IndexOf('=', StringComparison.Ordinal)], problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("' OR '1'='1")]
    [InlineData("'; DROP TABLE events; --")]
    [InlineData("\"; DELETE FROM events; --")]
    [InlineData("%")]
    [InlineData("_")]
    [InlineData("\\")]
    [InlineData("*")]
    [InlineData("$session")]
    [InlineData("s1' UNION SELECT * FROM events --")]
    [InlineData("a\u0000b")]
    [InlineData("\ud83d\ude42")]
    public async Task Filter_TextThatSqlWouldUnderstand_IsOnlyText(string text)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event(subject: "plain"), Sample.Event(subject: $"before {text} after"));
        var escaped = Uri.EscapeDataString(text);

        Assert.Equal([2], (await sink.GetLinesAsync("/events?name=" + escaped)).Select(Sequence));
        Assert.Empty(await sink.GetLinesAsync("/events?session=" + escaped));
        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/events?gate=" + escaped));
        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/events?verdict=" + escaped));
        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/sessions?limit=" + escaped));
        Assert.Equal("ok 2", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Line_HostileContent_IsEscapedToPlainAscii()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event(subject: "a\n\e[2J<script>\u202E\u0000\u2028é"));

        var text = await sink.Client.GetStringAsync("/events");

        Assert.All(text.TrimEnd('\n'), c => Assert.InRange(c, ' ', '~'));
        Assert.DoesNotContain('<', text);
    }

    [Fact]
    public async Task Pages_WhileEventsArrive_NeitherRepeatNorSkip()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(1_000));
        var newest = (await sink.GetLinesAsync("/events?limit=1")).Select(Sequence).Single();
        var insert = Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
                await sink.StoreAsync(Sample.Many(20));
        });

        var seen = new List<long>();
        for (var before = newest + 1; before > 1; before = seen[^1])
            seen.AddRange((await sink.GetLinesAsync($"/events?limit=37&before={before}")).Select(Sequence));
        await insert;

        Assert.Equal(Enumerable.Range(1, 1_000).Select(i => (long)i).Reverse(), seen);
    }

    [Fact]
    public async Task Limit_BeyondOnePage_IsReadWhole()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(1_000));

        Assert.Equal(Enumerable.Range(1, 1_000).Select(i => (long)i), (await sink.GetLinesAsync("/events?limit=1000&order=asc")).Select(Sequence));
        Assert.Equal(Enumerable.Range(750, 251).Select(i => (long)i).Reverse(), (await sink.GetLinesAsync("/events?limit=251")).Select(Sequence));
    }

    private static long Sequence(JsonElement line) => line.GetProperty("sequence").GetInt64();
}
