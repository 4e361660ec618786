using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.LogSink.Live;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.LogSink.Tests.Live;

public sealed class EventStreamTests
{
    [Fact]
    public async Task Stream_AfterASequence_CatchesUpThenFollows()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(250));
        using var follower = await Follower.OpenAsync(sink, "?after=5");

        Assert.Equal(Enumerable.Range(6, 245).Select(i => (long)i), await follower.TakeAsync(245));
        await sink.StoreAsync(Sample.Many(2));
        Assert.Equal([251, 252], await follower.TakeAsync(2));
        await sink.StoreAsync(Sample.Event());
        Assert.Equal([253], await follower.TakeAsync(1));
    }

    [Fact]
    public async Task Stream_WithoutAfter_BeginsNow()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(3));
        using var follower = await Follower.OpenAsync(sink, "");

        await sink.StoreAsync(Sample.Event());

        Assert.Equal([4], await follower.TakeAsync(1));
    }

    [Fact]
    public async Task Stream_ClientComesBack_GoesOnFromItsLastEvent()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        using var follower = await Follower.OpenAsync(sink, "?after=1", lastEventId: "3");

        Assert.Equal([4, 5], await follower.TakeAsync(2));
    }

    [Theory]
    [InlineData("?after=0&session=s1", 1, 4)]
    [InlineData("?after=0&gate=egress", 2, 5)]
    [InlineData("?after=0&verdict=denied", 3, 6)]
    [InlineData("?after=0&name=two", 2, 5)]
    public async Task Stream_WithAFilter_CarriesOnlyThat(string query, int first, int second)
    {
        await using var sink = await RunningSink.StartAsync();
        await StoreOneOfEachAsync();
        using var follower = await Follower.OpenAsync(sink, query);

        Assert.Equal([first], await follower.TakeAsync(1));
        await StoreOneOfEachAsync();
        Assert.Equal([second], await follower.TakeAsync(1));

        Task StoreOneOfEachAsync() => sink.StoreAsync(
            Sample.Event("s1", "one"), Sample.Event("s2", "two") with { Gate = Boundary.Egress }, Sample.Event("s2", "three") with { Verdict = VerdictKind.Denied });
    }

    [Theory]
    [InlineData("?gate=fence")]
    [InlineData("?limit=5")]
    [InlineData("?after=x")]
    public async Task Stream_ParameterNotUnderstood_IsRefused(string query)
    {
        await using var sink = await RunningSink.StartAsync();

        Assert.Equal(HttpStatusCode.BadRequest, await sink.GetStatusAsync("/events/stream" + query));
    }

    [Fact]
    public async Task Stream_WhileManyWrite_HasEverySequenceOnceInOrder()
    {
        await using var sink = await RunningSink.StartAsync();
        using var follower = await Follower.OpenAsync(sink, "?after=0");
        var write = Parallel.ForEachAsync(Enumerable.Range(0, 8), async (_, _) =>
        {
            for (var i = 0; i < 25; i++)
                await sink.StoreAsync(Sample.Many(5));
        });

        Assert.Equal(Enumerable.Range(1, 1_000).Select(i => (long)i), await follower.TakeAsync(1_000));
        await write;
    }

    [Fact]
    public async Task Stream_FollowerThatNeverReads_HoldsUpNobody()
    {
        await using var sink = await RunningSink.StartAsync();
        using var stuck = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await stuck.ConnectAsync(sink.Url.Host, sink.Url.Port);
        await stuck.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /events/stream?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {RunningSink.Token}\r\n\r\n"));
        using var other = await Follower.OpenAsync(sink, "?after=0");
        var large = new string('x', 2_000);

        for (var i = 0; i < 10; i++)
            await sink.StoreAsync(Sample.Many(1_000).Select(each => each with { Subject = large })).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(10_000, (await other.TakeAsync(10_000))[^1]);
    }

    [Fact]
    public async Task Stream_OneFollowerTooMany_IsRefusedUntilOneLeaves()
    {
        await using var sink = await RunningSink.StartAsync();
        var followers = new Stack<Follower>();
        for (var i = 0; i < EventStream.MostFollowers; i++)
            followers.Push(await Follower.OpenAsync(sink, ""));

        using var refused = await sink.Client.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        followers.Pop().Dispose();
        Assert.True(await EventuallyAsync(async () =>
        {
            using var response = await sink.Client.GetAsync("/events/stream", HttpCompletionOption.ResponseHeadersRead);
            return response.StatusCode == HttpStatusCode.OK;
        }));
        foreach (var follower in followers)
            follower.Dispose();
    }

    [Fact]
    public async Task Stream_NothingHappens_BeatsEveryFifteenSeconds()
    {
        var time = new FakeTimeProvider();
        await using var sink = await RunningSink.StartAsync(time);
        await sink.StoreAsync(Sample.Event());
        // What is there already has been sent, so the follower waits.
        using var follower = await Follower.OpenAsync(sink, "?after=0");
        await follower.TakeAsync(1);

        for (var beat = 0; beat < 2; beat++)
        {
            time.Advance(TimeSpan.FromSeconds(15));
            Assert.Equal(":", await follower.ReadLineAsync());
            Assert.Equal("", await follower.ReadLineAsync());
        }

        await sink.StoreAsync(Sample.Event());
        Assert.Equal([2], await follower.TakeAsync(1));
    }

    [Fact]
    public async Task Stream_SinkStops_Ends()
    {
        await using var sink = await RunningSink.StartAsync();
        using var follower = await Follower.OpenAsync(sink, "");

        var stopped = sink.StopAsync();

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (await follower.ReadLineAsync() is not null)
            {
            }

            throw new EndOfStreamException();
        });
        await stopped.WaitAsync(TimeSpan.FromSeconds(5));
    }

    private static async Task<bool> EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 100; i++)
        {
            if (await condition())
                return true;
            await Task.Delay(50);
        }

        return false;
    }
}
