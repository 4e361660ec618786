using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.LogSink.Tests.Forwarding;

/// <summary>Receivers that say no: to everything, to one record, to many at once, or for a while.</summary>
public sealed class RefusalTests
{
    private static Task UntilAsync(Func<bool> condition) => TestKit.Eventually.TrueAsync(condition);

    private static Task DegradedAsync(RunningSink sink, string names) =>
        TestKit.Eventually.TrueAsync(async () => (await sink.HealthAsync()).Contains($"The record is not taken by: {names}\"", StringComparison.Ordinal));

    private static string Cursor(RunningSink sink, string name = "a") => File.ReadAllText($"{sink.Database}.forward-{name}");

    private static string[] Sequences(StandInCollector collector) => [.. collector.Records.Select(record => record["gatehouse.sequence"])];

    private static Func<HttpContext, byte[], Task<bool>> Refuse(string type, Func<string, bool> subject) => (context, body) =>
    {
        if (!StandInCollector.Read(body).Exists(record => subject(record["gatehouse.subject"])))
            return Task.FromResult(false);
        (context.Response.StatusCode, context.Response.ContentType) = (400, type);
        return Task.FromResult(true);
    };

    [Theory]
    [InlineData("text/plain")]
    [InlineData("text/html; charset=utf-8")]
    [InlineData("application/x-protobuf")]
    [InlineData("application/json")]
    public async Task Receiver_RefusesEverything_PassesNothingOverAndSaysSo(string type)
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = Refuse(type, _ => true);
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(9));

        await DegradedAsync(sink, "a");
        var before = collector.Requests.Count;
        await UntilAsync(() => collector.Requests.Count > before);
        Assert.Contains("\"sequence\":0", Cursor(sink), StringComparison.Ordinal);

        // What was wrong with the receiver is put right.
        collector.Instead = (_, _) => Task.FromResult(false);
        await UntilAsync(() => collector.Records.Count >= 9);
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"{i}"), Sequences(collector).Order(StringComparer.Ordinal));
    }

    /// <summary>Put right at whatever moment of a try: what it refused before is not lost.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(10)]
    public async Task Receiver_PutRightInTheMidstOfATry_GetsWhatItRefusedBefore(int refusals)
    {
        await using var collector = await StandInCollector.StartAsync();
        var refuse = Refuse("application/x-protobuf", _ => true);
        collector.Instead = (context, body) => collector.Requests.Count <= refusals ? refuse(context, body) : Task.FromResult(false);
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(9));

        await UntilAsync(() => Cursor(sink).Contains("\"sequence\":9", StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"{i}"), Sequences(collector).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1,2")]
    [InlineData("3,4,7")]
    [InlineData("2,3,4,5")]
    public async Task Records_ThatAReceiverRefusesAmongOthers_ArePassedOverAlone(string bad)
    {
        var refused = bad.Split(',');
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = Refuse("application/x-protobuf", subject => refused.Contains(subject["name".Length..subject.IndexOf('.', StringComparison.Ordinal)]));
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(8));

        await UntilAsync(() => Cursor(sink).Contains("\"sequence\":8", StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(1, 8).Select(i => $"{i}").Except(refused), Sequences(collector));
    }

    [Fact]
    public async Task NewestRecord_Refused_IsPassedOverWhenTheNextIsTaken()
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = Refuse("application/x-protobuf", subject => subject.StartsWith("name3.", StringComparison.Ordinal));
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(3));
        await DegradedAsync(sink, "a");
        Assert.Contains("\"sequence\":2", Cursor(sink), StringComparison.Ordinal);

        await sink.StoreAsync(Sample.Event("s2"));

        await UntilAsync(() => Cursor(sink).Contains("\"sequence\":4", StringComparison.Ordinal));
        Assert.Equal(["1", "2", "4"], Sequences(collector));
        Assert.DoesNotContain("not taken", await sink.HealthAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cursor_ThatCanNotBeRead_IsSaidAndDoesNotStopTheOtherReceiver()
    {
        await using var collector = await StandInCollector.StartAsync();
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(3));
        await sink.StopAsync();
        // A folder is in its place.
        var cursor = Directory.CreateDirectory(sink.Database + ".forward-b").FullName;
        sink.More = [$"--LogSink:Forward:a:Url={collector.Http}", $"--LogSink:Forward:b:Url={collector.Grpc}"];
        await sink.StartAgainAsync();

        await DegradedAsync(sink, "b");
        await UntilAsync(() => collector.Records.Count == 3);
        await sink.StoreAsync(Sample.Many(2, "s2"));
        await UntilAsync(() => collector.Records.Count == 5);

        Directory.Delete(cursor);
        await UntilAsync(() => collector.Records.Count == 10);
        await TestKit.Eventually.TrueAsync(async () => (await sink.HealthAsync()).Contains("\"data\":{\"a\":0,\"b\":0}", StringComparison.Ordinal));
        Assert.DoesNotContain("not taken", await sink.HealthAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("413")]
    [InlineData("8")]
    public async Task GrpcReceiver_ToWhichManyAreTooLarge_GetsFewer(string status)
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = (context, body) =>
        {
            if (StandInCollector.Read(body.AsSpan(5)).Count <= 2)
                return Task.FromResult(false);
            if (status == "413")
                context.Response.StatusCode = 413;
            else
                Trailers(context, status);
            return Task.FromResult(true);
        };
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Grpc}");
        await sink.StoreAsync(Sample.Many(9));

        await UntilAsync(() => collector.Records.Count == 9);
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"{i}"), Sequences(collector));
    }

    [Fact]
    public async Task GrpcReceiver_ThatIsExhaustedByOneRecord_IsAskedAgain()
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = (context, _) =>
        {
            Trailers(context, "8");
            return Task.FromResult(true);
        };
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Grpc}");
        await sink.StoreAsync(Sample.Many(2));
        await DegradedAsync(sink, "a");
        Assert.Contains("\"sequence\":0", Cursor(sink), StringComparison.Ordinal);

        collector.Instead = (_, _) => Task.FromResult(false);
        await UntilAsync(() => collector.Records.Count == 2);
        Assert.Equal(["1", "2"], Sequences(collector));
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "8")]
    [InlineData(true, "14")]
    public async Task Receiver_ThatAsksForTime_IsGivenIt(bool grpc, string status)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        List<DateTimeOffset> asked = [];
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = (context, _) =>
        {
            lock (asked)
                asked.Add(time.GetUtcNow());
            if (asked.Count > 1)
                return Task.FromResult(false);
            if (grpc)
            {
                Trailers(context, status, RetryAfter(5));
                return Task.FromResult(true);
            }

            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "5";
            return Task.FromResult(true);
        };
        await using var sink = await RunningSink.StartAsync(time, $"--LogSink:Forward:a:Url={(grpc ? collector.Grpc : collector.Http)}");
        await sink.StoreAsync(Sample.Many(2));
        await DegradedAsync(sink, "a");

        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            return collector.Records.Count == 2;
        });
        Assert.True(asked[1] - asked[0] >= TimeSpan.FromSeconds(5), $"after {asked[1] - asked[0]}");
        Assert.Equal(2, asked.Count);
    }

    // Without a body, trailers are headers ("gRPC over HTTP2", Trailers-Only).
    private static void Trailers(HttpContext context, string status, byte[]? details = null)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = status;
        if (details is not null)
            context.Response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(details).TrimEnd('=');
    }

    // google.rpc.Status { details = 3: Any { type_url = 1, value = 2: RetryInfo { retry_delay = 1: Duration { seconds = 1 } } } }
    private static byte[] RetryAfter(ulong seconds)
    {
        var status = new ProtoWriter();
        status.Message(3, seconds, static (any, seconds) =>
        {
            any.Text(1, "type.googleapis.com/google.rpc.RetryInfo");
            any.Message(2, seconds, static (retry, seconds) => retry.Message(1, seconds, static (duration, seconds) => duration.Number(1, seconds)));
        });
        return status.Written.ToArray();
    }
}
