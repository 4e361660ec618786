using Gatehouse.LogSink.Forwarding;
using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Forwarding;

public sealed class OtlpForwardingTests
{
    private static Task UntilAsync(Func<bool> condition) => TestKit.Eventually.TrueAsync(condition);

    private static string[] Sequences(StandInCollector collector) => [.. collector.Records.Select(record => record["gatehouse.sequence"])];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Record_ToACollector_ArrivesWholeAndInOrder(bool grpc)
    {
        await using var collector = await StandInCollector.StartAsync();
        var headers = Path.GetTempPath() + Guid.NewGuid();
        await File.WriteAllTextAsync(headers, "Authorization: Bearer from-a-file\n");
        await using var sink = await RunningSink.StartAsync(
            null, $"--LogSink:Forward:a:Url={(grpc ? collector.Grpc : collector.Http)}", $"--LogSink:Forward:a:HeadersFile={headers}");
        var full = Sample.Full();
        await sink.StoreAsync(full);
        await sink.StoreAsync(Sample.Many(700));

        await UntilAsync(() => collector.Records.Count == 701);

        Assert.Equal(Enumerable.Range(1, 701).Select(i => $"{i}"), Sequences(collector));
        Assert.Equal(
            grpc ? "HTTP/2 /opentelemetry.proto.collector.logs.v1.LogsService/Export application/grpc Bearer from-a-file"
                : "HTTP/1.1 /v1/logs application/x-protobuf Bearer from-a-file",
            collector.Requests.First());
        var first = collector.Records.First();
        Assert.Equal(full.Id.ToString(), first["log.record.uid"]);
        Assert.Equal(full.TraceId, first["trace"]);
        Assert.Equal("13", first["severity"]);
        Assert.Equal("0.00325", first["gatehouse.duration"]);
        Assert.Equal("漢🙂\0\e[2J", first["gatehouse.detail.å"]);
        Assert.Equal("example.com", collector.Records.Last()["dns.question.name"][^11..]);
        // The collector has it before the sink knows.
        await TestKit.Eventually.TrueAsync(async () => (await sink.HealthAsync()).Contains("\"data\":{\"a\":0}", StringComparison.Ordinal));
        File.Delete(headers);
    }

    [Fact]
    public async Task Collector_IsAway_NothingIsLostOverARestart()
    {
        await using var collector = await StandInCollector.StartAsync();
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Http}");
        await sink.StoreAsync(Sample.Many(3));
        await UntilAsync(() => collector.Records.Count == 3 && File.ReadAllText(sink.Database + ".forward-a").Contains("\"sequence\":3", StringComparison.Ordinal));
        collector.Instead = (context, _) =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "1";
            return Task.FromResult(true);
        };
        await sink.StoreAsync(Sample.Many(4, "s2"));
        await TestKit.Eventually.TrueAsync(async () => (await sink.HealthAsync()).Contains("\"forward\":{\"status\":\"Degraded\"", StringComparison.Ordinal));
        Assert.Contains("Degraded", await sink.HealthAsync(), StringComparison.Ordinal);
        Assert.Contains("\"data\":{\"a\":4}", await sink.HealthAsync(), StringComparison.Ordinal);

        await sink.StopAsync();
        collector.Instead = (_, _) => Task.FromResult(false);
        await sink.StartAgainAsync();

        await UntilAsync(() => collector.Records.Count >= 7);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7"], Sequences(collector));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Record_ThatTheCollectorRefuses_IsPassedOverAlone(bool grpc)
    {
        await using var collector = await StandInCollector.StartAsync();
        collector.Instead = async (context, body) =>
        {
            if (!StandInCollector.Read(grpc ? body.AsSpan(5) : body).Exists(record => record["gatehouse.subject"].StartsWith("name3.", StringComparison.Ordinal)))
                return false;
            if (grpc)
                await StandInCollector.AnswerAsync(context, [], "3");
            else
                (context.Response.StatusCode, context.Response.ContentType) = (400, "application/x-protobuf");
            return true;
        };
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={(grpc ? collector.Grpc : collector.Http)}");
        await sink.StoreAsync(Sample.Many(6));

        await UntilAsync(() => collector.Records.Count == 5);
        Assert.Equal(["1", "2", "4", "5", "6"], Sequences(collector));
    }

    [Fact]
    public async Task Collector_KeepsAPart_IsNotSentItAgain()
    {
        await using var collector = await StandInCollector.StartAsync();
        var partial = new ProtoWriter();
        partial.Message(1, 0, static (message, _) => { message.Number(1, 2); message.Text(2, "too old"); });
        collector.Instead = async (context, _) =>
        {
            await StandInCollector.AnswerAsync(context, partial.Written.ToArray(), "0");
            return true;
        };
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:a:Url={collector.Grpc}");
        await sink.StoreAsync(Sample.Many(3));
        await UntilAsync(() => !collector.Requests.IsEmpty && File.ReadAllText(sink.Database + ".forward-a").Contains("\"sequence\":3", StringComparison.Ordinal));
        Assert.Single(collector.Requests);
        Assert.Equal(2, PartialSuccess.Read(partial.Written.Span).Dropped);
    }

    [Theory]
    [InlineData(1, null, 0.0, 1_000)]
    [InlineData(1, null, 1.0, 500)]
    [InlineData(3, null, 0.0, 4_000)]
    [InlineData(50, null, 0.0, 60_000)]
    [InlineData(1, 30, 0.0, 30_000)]
    [InlineData(1, 86_400, 0.0, 600_000)]
    [InlineData(1, -5, 0.0, 1_000)]
    public void Wait_Grows_WithinBounds(int failures, int? asked, double random, int expected) =>
        Assert.Equal(TimeSpan.FromMilliseconds(expected), Forwarder.Wait(failures, asked is { } seconds ? TimeSpan.FromSeconds(seconds) : null, random));

    [Fact]
    public void Answer_EveryTruncatedPrefix_IsTakenForNoWordAboutRecords()
    {
        var answer = new ProtoWriter();
        answer.Message(1, 0, static (partial, _) => { partial.Number(1, 200); partial.Text(2, "too old"); });
        var whole = answer.Written.Span;
        for (var length = 0; length < whole.Length; length++)
            Assert.Equal(ForwardOutcome.Accepted, PartialSuccess.Read(whole[..length]));
        Assert.Equal(new ForwardOutcome(ForwardStatus.Accepted, "too old", Dropped: 200), PartialSuccess.Read(whole));
    }

    [Theory]
    [InlineData("ftp://127.0.0.1:21")]
    [InlineData("http://user:secret@127.0.0.1")]
    [InlineData("syslog://127.0.0.1")]
    [InlineData("nowhere")]
    public void Url_ThatIsNone_IsRefusedWithoutBeingRepeated(string url)
    {
        List<string> problems = [];
        ForwardOptions.Validate("a", new() { Url = url }, problems);
        Assert.DoesNotContain("secret", Assert.Single(problems), StringComparison.Ordinal);
    }
}
