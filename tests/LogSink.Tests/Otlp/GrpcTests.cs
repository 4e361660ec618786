using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.LogSink.Access;
using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace Gatehouse.LogSink.Tests.Otlp;

public sealed class GrpcTests : IAsyncLifetime
{
    private const string Traces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    private readonly int _port = FreePort();
    private RunningSink _sink = null!;

    private Uri Address => new($"http://127.0.0.1:{_port}");

    public async Task InitializeAsync() => _sink = await RunningSink.StartAsync(null, $"--{GrpcEndpoints.Key}=http://127.0.0.1:{_port}");

    [Fact]
    public async Task Spans_OfTheRealExporter_AreTheSessionsTrace()
    {
        using var source = new ActivitySource("Test." + Guid.NewGuid());
        using (Sdk.CreateTracerProviderBuilder().AddSource(source.Name).AddOtlpExporter(otlp =>
        {
            otlp.Protocol = OtlpExportProtocol.Grpc;
            otlp.Endpoint = Address;
            otlp.Headers = $"Authorization=Bearer {RunningSink.Token}";
        }).Build())
        {
            using var root = source.StartActivity("session s1")!.SetTag("session.id", "s1");
            using var inner = source.StartActivity("egress connect");
        }

        using var answer = JsonDocument.Parse(await _sink.Client.GetStringAsync("/sessions/s1/trace"));
        Assert.Equal(["egress connect", "session s1"], answer.RootElement.EnumerateArray().Select(span => span.GetProperty("name").GetString()).Order());
    }

    [Fact]
    public async Task Answer_SaysWhatWasNotKept()
    {
        var (status, kept) = await CallAsync(Traces, Framed(SpanRequest.Of(SpanStore.MostPerTrace)));
        Assert.Equal(("0", 0), (status, kept.Length));
        (status, kept) = await CallAsync(Traces, Framed(SpanRequest.Of(3)));
        Assert.Equal(("0", 3), (status, (int)PartialSuccess.Read(kept).Dropped));
        foreach (var service in (string[])["logs.v1.LogsService", "metrics.v1.MetricsService"])
        {
            (status, kept) = await CallAsync($"/opentelemetry.proto.collector.{service}/Export", Framed([]));
            Assert.Equal(("0", "the log sink keeps traces only"), (status, PartialSuccess.Read(kept).Problem));
        }
    }

    [Fact]
    public async Task Gzip_IsTaken_AndBoundedWhenInflated()
    {
        Assert.Equal("0", (await CallAsync(Traces, Framed(SpanRequest.Zip(SpanRequest.Of(2)), compressed: true), "gzip")).Status);
        Assert.Equal("8", (await CallAsync(Traces, Framed(SpanRequest.Zip(new byte[OtlpBody.Most + 1]), compressed: true), "gzip")).Status);
        Assert.Equal("3", (await CallAsync(Traces, Framed(SpanRequest.Of(2), compressed: true), "gzip")).Status);
        Assert.Equal("12", (await CallAsync(Traces, Framed(SpanRequest.Of(2), compressed: true), "snappy")).Status);
    }

    [Fact]
    public async Task Message_ThatIsNone_IsRefused()
    {
        var whole = Framed(SpanRequest.Of(2));
        for (var length = 0; length < whole.Length; length += 7)
            Assert.Equal("3", (await CallAsync(Traces, whole[..length])).Status);
        Assert.Equal("3", (await CallAsync(Traces, [.. whole, 0])).Status);
        Assert.Equal("3", (await CallAsync(Traces, [2, .. whole[1..]])).Status);
        Assert.Equal("3", (await CallAsync(Traces, [0, 0xff, 0xff, 0xff, 0xff, .. whole[5..]])).Status);
        // Framed well, and no protobuf within.
        Assert.Equal("3", (await CallAsync(Traces, Framed([0xff, 0xff]))).Status);
        Assert.Equal("8", (await CallAsync(Traces, Framed(new byte[OtlpBody.Most]))).Status);
        Assert.Equal("[]", await _sink.Client.GetStringAsync("/sessions/s1/trace"));
    }

    [Fact]
    public async Task Stranger_AndOtherProtocols_AreRefused()
    {
        using var stranger = new HttpClient { BaseAddress = Address };
        using var refused = await SendAsync(stranger, Traces, Framed(SpanRequest.Of(1)), "");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        // gRPC's path where HTTP/1.1 is spoken.
        using var content = Content(Framed(SpanRequest.Of(1)), "");
        using var old = await _sink.Client.PostAsync(Traces, content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, old.StatusCode);
        // HTTP/1.1 where gRPC is.
        using var client = _sink.NewClient();
        using var spoken = await client.GetAsync(new Uri(Address, "/sessions"));
        Assert.Equal(HttpStatusCode.BadRequest, spoken.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1:4317")]
    [InlineData("https://127.0.0.1:4317")]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://127.0.0.1:4317/v1/traces")]
    [InlineData("http://127.0.0.1:5999")]
    public void Address_ThatIsNone_IsRefusedAtTheStart(string address)
    {
        var folder = Directory.CreateTempSubdirectory("log-sink-").FullName;
        var refused = Assert.Throws<OptionsValidationException>(
            () => LogSinkApplication.Build([.. RunningSink.Arguments(folder, url: "http://127.0.0.1:5999"), $"--{GrpcEndpoints.Key}={address}"]));
        Assert.Contains(address, refused.Message);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Address_ThatIsNotLoopback_IsRefusedToo()
    {
        var folder = Directory.CreateTempSubdirectory("log-sink-").FullName;
        await using (var sink = LogSinkApplication.Build([.. RunningSink.Arguments(folder), $"--{GrpcEndpoints.Key}=http://0.0.0.0:{FreePort()}"]))
            await Assert.ThrowsAsync<ListeningRefusedException>(() => sink.StartAsync());
        Directory.Delete(folder, recursive: true);
    }

    private async Task<(string? Status, byte[] Message)> CallAsync(string path, byte[] body, string encoding = "")
    {
        using var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", RunningSink.Token);
        using var response = await SendAsync(client, path, body, encoding);
        Assert.Equal((HttpStatusCode.OK, "application/grpc"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        var answer = await response.Content.ReadAsByteArrayAsync();
        if (response.Headers.TryGetValues("grpc-status", out var alone))
        {
            Assert.Empty(answer);
            return (alone.Single(), []);
        }

        Assert.Equal(answer.Length - 5, BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(1)));
        return (response.TrailingHeaders.GetValues("grpc-status").Single(), answer[5..]);
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string path, byte[] body, string encoding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = Content(body, encoding),
        };
        return await client.SendAsync(request);
    }

    private static ByteArrayContent Content(byte[] body, string encoding)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/grpc");
        if (encoding.Length > 0)
            content.Headers.Add("grpc-encoding", encoding);
        return content;
    }

    private static byte[] Framed(byte[] message, bool compressed = false)
    {
        byte[] framed = [compressed ? (byte)1 : (byte)0, 0, 0, 0, 0, .. message];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        return framed;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async Task DisposeAsync() => await _sink.DisposeAsync();
}
