using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Tests.Ingest;

public sealed class IngestTests
{
    [Fact]
    public async Task Event_WithEveryMember_ComesBackAsItWas()
    {
        await using var sink = await RunningSink.StartAsync();
        var sent = Sample.Full();

        Assert.Equal((1, 0), await sink.StoreAsync(sent));

        var line = Assert.Single(await sink.GetLinesAsync("/events"));
        var got = line.Deserialize(EventJson.Default.BoundaryEvent)!;
        Assert.Equal(sent.Detail!.AsEnumerable(), got.Detail!);
        Assert.Equal(sent with { Detail = null }, got with { Detail = null });
        Assert.Equal(1, line.GetProperty("sequence").GetInt64());
        Assert.Equal(64, line.GetProperty("hash").GetString()!.Length);
    }

    [Fact]
    public async Task Event_SentAgain_IsStoredOnce()
    {
        await using var sink = await RunningSink.StartAsync();
        var first = Sample.Event();

        Assert.Equal((1, 0), await sink.StoreAsync(first));
        Assert.Equal((1, 2), await sink.StoreAsync(first, Sample.Event(), first));
        Assert.Equal(2, (await sink.GetLinesAsync("/events")).Count);
        Assert.Equal("ok 2", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Events_SameBatchesFromManyAtOnce_AreStoredOnceInAWholeChain()
    {
        await using var sink = await RunningSink.StartAsync();
        var batches = Sample.Many(1_000).Chunk(50).ToArray();
        var stored = 0;

        await Parallel.ForEachAsync(Enumerable.Range(0, 32), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (sender, _) =>
        {
            foreach (var batch in batches.Skip(sender % batches.Length).Concat(batches.Take(sender % batches.Length)))
                Interlocked.Add(ref stored, (await sink.StoreAsync(batch)).Stored);
        });

        Assert.Equal(1_000, stored);
        Assert.Equal("ok 1000", await sink.VerifyAsync());
        var session = Assert.Single(await sink.GetLinesAsync("/sessions"));
        Assert.Equal(1_000, session.GetProperty("allowed").GetInt64());
    }

    [Fact]
    public async Task Batch_Empty_StoresNothing()
    {
        await using var sink = await RunningSink.StartAsync();

        Assert.Equal((0, 0), await sink.StoreAsync());
    }

    [Fact]
    public async Task Batch_LastLineWithoutItsEnd_IsStored()
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.PostAsync(Sample.Lines(Sample.Event()) + Sample.Line(Sample.Event()));

        Assert.Equal("""{"stored":2,"duplicates":0}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(1_000, HttpStatusCode.OK)]
    [InlineData(1_001, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Batch_LinesAtTheEdge(int lines, HttpStatusCode expected)
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.PostAsync(Sample.Lines(Sample.Many(lines)));

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? $"ok {lines}" : "ok 0", await sink.VerifyAsync());
    }

    [Theory]
    [InlineData(1024 * 1024, HttpStatusCode.OK)]
    [InlineData((1024 * 1024) + 1, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Line_LengthAtTheEdge(int length, HttpStatusCode expected)
    {
        await using var sink = await RunningSink.StartAsync();
        var line = Sample.Line(Sample.Event());

        using var response = await sink.PostAsync(line + new string(' ', length - line.Length) + "\n");

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Event_EveryMemberAtItsBoundAndEscaped_IsStoredAndRead()
    {
        await using var sink = await RunningSink.StartAsync();
        var events = Enumerable.Range(0, 7).Select(_ => Sample.Full() with
        {
            Session = new('s', 40),
            Action = new('\u0001', 64),
            Subject = new('\u0001', 2_048),
            Rule = new('\u0001', 2_048),
            Reason = new('\u0001', 4_096),
            Detail = Enumerable.Range(0, 32).ToImmutableSortedDictionary(
                i => $"{i:D2}" + new string('\u0001', 126), _ => new string('\u0001', 4_096), StringComparer.Ordinal),
        }).ToArray();

        Assert.Equal((7, 0), await sink.StoreAsync(events));
        Assert.Equal([7, 6, 5, 4, 3, 2, 1], (await sink.GetLinesAsync("/events")).Select(line => line.GetProperty("sequence").GetInt64()));
        using var follower = await Follower.OpenAsync(sink, "?after=0");
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], await follower.TakeAsync(7));
        Assert.Equal("ok 7", await sink.VerifyAsync());
    }

    [Theory]
    [InlineData(8 * 1024 * 1024, HttpStatusCode.OK)]
    [InlineData((8 * 1024 * 1024) + 1, HttpStatusCode.RequestEntityTooLarge)]
    public async Task Body_LengthAtTheEdge(int length, HttpStatusCode expected)
    {
        await using var sink = await RunningSink.StartAsync();
        // Lines padded so that the whole has exactly this length.
        var lines = Sample.Many(200).Select(each => Sample.Line(each).PadRight(40_000) + "\n").ToArray();
        lines[^1] = lines[^1].TrimEnd().PadRight(lines[^1].Length - 1) + "\n";
        var body = string.Concat(lines);
        body = string.Concat(Enumerable.Repeat(Sample.Line(Sample.Event()).PadRight(60_000) + "\n", (length - body.Length) / 60_001)) + body;
        body = body.Insert(0, Sample.Line(Sample.Event()).PadRight(length - body.Length - 1) + "\n");
        Assert.Equal(length, body.Length);

        using var response = await sink.PostAsync(body);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Subject_OfAMegabyte_IsRefused()
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.PostAsync(Sample.Lines(Sample.Event(subject: new('x', 1 << 20))));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("ok 0", await sink.VerifyAsync());
    }

    [Theory]
    [InlineData("text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-ndjson; charset=utf-16", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-ndjson", HttpStatusCode.OK)]
    [InlineData("Application/X-NDJSON; charset=UTF-8", HttpStatusCode.OK)]
    public async Task Body_OfAnotherType_IsRefused(string type, HttpStatusCode expected)
    {
        await using var sink = await RunningSink.StartAsync();
        using var content = new ByteArrayContent([]);
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        using var response = await sink.Client.PostAsync("/events", content);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Body_Compressed_IsRefused()
    {
        await using var sink = await RunningSink.StartAsync();
        using var content = new ByteArrayContent([]);
        content.Headers.ContentType = new("application/x-ndjson");
        content.Headers.ContentEncoding.Add("gzip");

        using var response = await sink.Client.PostAsync("/events", content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Record_ManyEvents_HaveConsecutiveSequences()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(3));
        await sink.StopAsync();
        await sink.StartAgainAsync();
        await sink.StoreAsync(Sample.Many(3));

        Assert.Equal([1, 2, 3, 4, 5, 6], (await sink.GetLinesAsync("/events?order=asc")).Select(line => line.GetProperty("sequence").GetInt64()));
    }
}
