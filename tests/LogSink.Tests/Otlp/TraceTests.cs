using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace Gatehouse.LogSink.Tests.Otlp;

public sealed class TraceTests
{
    [Fact]
    public async Task Spans_OfTheRealExporter_AreTheSessionsTrace()
    {
        await using var sink = await RunningSink.StartAsync();
        using var source = new ActivitySource("Test." + Guid.NewGuid());
        string trace;
        using (Sdk.CreateTracerProviderBuilder().AddSource(source.Name).AddOtlpExporter(otlp =>
        {
            otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
            otlp.Endpoint = new(sink.Url, "/v1/traces");
            otlp.Headers = $"Authorization=Bearer {RunningSink.Token}";
        }).Build())
        {
            using var root = source.StartActivity("session s1")!.SetTag("session.id", "s1");
            using (source.StartActivity("egress connect", ActivityKind.Server)!.SetTag("server.port", 443).SetStatus(ActivityStatusCode.Error, "not <b>allowed</b>"))
            using (source.StartActivity("inner"))
                trace = root.TraceId.ToHexString();
            Activity.Current = null;
            using var other = source.StartActivity("another", ActivityKind.Internal, default(ActivityContext));
        }

        using var answer = JsonDocument.Parse(await sink.Client.GetStringAsync("/sessions/s1/trace"));
        var spans = answer.RootElement.EnumerateArray().ToDictionary(span => span.GetProperty("name").GetString()!);
        Assert.Equal(["egress connect", "inner", "session s1"], spans.Keys.Order());
        Assert.All(spans.Values, span => Assert.Equal(trace, span.GetProperty("trace").GetString()));
        var denied = spans["egress connect"];
        Assert.Equal(spans["session s1"].GetProperty("span").GetString(), denied.GetProperty("parent").GetString());
        Assert.True(denied.GetProperty("error").GetBoolean());
        Assert.Equal("not <b>allowed</b>", denied.GetProperty("message").GetString());
        Assert.Equal(443, denied.GetProperty("attributes").GetProperty("server.port").GetInt64());
        Assert.False(spans["inner"].GetProperty("error").GetBoolean());
        Assert.Equal("[]", await sink.Client.GetStringAsync("/sessions/s2/trace"));
    }

    [Fact]
    public async Task Spans_BeyondTheBound_AreRefusedAndCounted()
    {
        await using var sink = await RunningSink.StartAsync();
        using var first = await PostAsync(sink, SpanRequest.Of(SpanStore.MostPerTrace));
        using var second = await PostAsync(sink, SpanRequest.Of(3));
        Assert.Equal(0, first.Content.Headers.ContentLength);
        Assert.Equal(3, PartialSuccess.Read(await second.Content.ReadAsByteArrayAsync()).Dropped);
    }

    [Fact]
    public async Task Body_ThatIsNone_IsRefused()
    {
        await using var sink = await RunningSink.StartAsync();
        var whole = SpanRequest.Of(2);
        for (var length = 1; length < whole.Length; length += 7)
        {
            using var cut = await PostAsync(sink, whole[..length]);
            Assert.Equal(HttpStatusCode.BadRequest, cut.StatusCode);
        }

        using var large = await PostAsync(sink, new byte[(4 << 20) + 1]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        using var stranger = new HttpClient { BaseAddress = sink.Url };
        using var refused = await stranger.PostAsync("/v1/traces", new ByteArrayContent(whole));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Gzip_IsTaken_AndBoundedWhenInflated()
    {
        await using var sink = await RunningSink.StartAsync();
        using var taken = await PostAsync(sink, SpanRequest.Zip(SpanRequest.Of(2)), "gzip");
        Assert.Equal((HttpStatusCode.OK, 0), (taken.StatusCode, taken.Content.Headers.ContentLength));
        using var bomb = await PostAsync(sink, SpanRequest.Zip(new byte[OtlpBody.Most + 1]), "gzip");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, bomb.StatusCode);
        using var none = await PostAsync(sink, SpanRequest.Of(2), "gzip");
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
        using var other = await PostAsync(sink, SpanRequest.Of(2), "br");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, other.StatusCode);
    }

    [Theory]
    [InlineData("http://127.0.0.1:18889", "http://127.0.0.1:18889", null, true)]
    [InlineData("http://localhost:8080", "http://unix:/run/log.sock;http://+:8080", null, true)]
    [InlineData("http://log-sink", "http://127.0.0.1:1", null, true)]
    [InlineData("http://127.0.0.1:4317", "http://127.0.0.1:18889", "http://127.0.0.1:4317", true)]
    [InlineData("http://localhost:4317", "http://127.0.0.1:18889", "http://0.0.0.0:4317", true)]
    [InlineData("http://127.0.0.1:4318", "http://127.0.0.1:18889", "http://127.0.0.1:4317", false)]
    [InlineData("http://127.0.0.1:4318", "http://127.0.0.1:18889", null, false)]
    [InlineData(null, "http://127.0.0.1:18889", "http://127.0.0.1:4317", false)]
    public void Sink_DoesNotExportToItself(string? endpoint, string urls, string? grpc, bool itself)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), new("urls", urls), new("LogSink:OtlpGrpc", grpc)]).Build();
        Assert.Equal(itself, OwnExports.AreOf(configuration));
    }

    [Fact]
    public async Task Requests_MoreThanFitInMemory_WaitForOneAnother()
    {
        await using var sink = await RunningSink.StartAsync();
        var intake = sink.Services.GetRequiredService<SpanIntake>();
        for (var i = 0; i < SpanIntake.MostAtOnce; i++)
            Assert.True(await intake.TryEnterAsync(CancellationToken.None));

        var waiting = PostAsync(sink, SpanRequest.Of(1));
        await sink.Client.GetStringAsync("/health");
        Assert.False(waiting.IsCompleted);

        intake.Leave();
        using var taken = await waiting;
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        // It gave its place back.
        using var next = await PostAsync(sink, SpanRequest.Of(1));
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((64 << 10) - 1)]
    [InlineData(64 << 10)]
    [InlineData((64 << 10) + 1)]
    [InlineData((64 << 10) + 2)]
    [InlineData((4 << 20) - 1)]
    [InlineData(4 << 20)]
    [InlineData((4 << 20) + 1)]
    [InlineData(5 << 20)]
    public async Task Body_OfAnyLength_IsReadWholeOrRefused(int length)
    {
        var body = new byte[length];
        Random.Shared.NextBytes(body);
        foreach (var said in (long?[])[null, length, 10])
        {
            var read = await OtlpBody.ReadAsync(new MemoryStream(body), said, CancellationToken.None);
            Assert.Equal(length > OtlpBody.Most ? null : body, read?.ToArray());
        }
    }

    [Fact]
    public async Task Spans_ThatAreLarge_AreBoundedByWhatTheyTake()
    {
        await using var sink = await RunningSink.StartAsync();
        using (var store = new SpanStore(sink.Services.GetRequiredService<IOptions<LogSinkOptions>>(), sink.Services.GetRequiredService<EventStore>()) { MostBytes = 2 << 20 })
        {
            for (var i = 0; i < 200; i++)
                Assert.Equal(0, store.Add([new($"{i:x32}", $"{i:x16}", null, $"s{i}", "a", "n", 0, 0, 0, 0, null, $$"""{"a":"{{new string('x', 60_000)}}"}""")]));
            Assert.Single(store.Of("s199"));
            Assert.Empty(store.Of("s0"));
        }

        Assert.InRange(new FileInfo(Path.Combine(Path.GetDirectoryName(sink.Database)!, "spans.db")).Length, 1 << 20, 3 << 20);
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningSink sink, byte[] body, string? encoding = null)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/x-protobuf");
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        return await sink.Client.PostAsync("/v1/traces", content);
    }
}
