using System.Collections.Concurrent;
using System.Text;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>A whole gate, as its program starts it, with a collector to send to.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, string> _received = new();
    private WebApplication _collector = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _collector = builder.Build();
        // Texts stand in protobuf as they are: what a test looks for needs no reader of the rest.
        _collector.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            var text = Encoding.UTF8.GetString(body.ToArray());
            _received.AddOrUpdate(signal, text, (_, before) => before + text);
            return Results.Bytes([], "application/x-protobuf");
        });
        await _collector.StartAsync();
    }

    public async Task DisposeAsync() => await _collector.DisposeAsync();

    [Fact]
    public async Task Calls_AllowedAndDenied_ShowInTracesAndMetricsOfTheirGate()
    {
        await using var sink = await LogSinkStub.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(sink,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", _collector.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_SERVICE_NAME", "the-gateway"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "200"));
        await gateway.WaitUntilReadyAsync();
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await AgentSession.OpenAsync(gateway, Policies.Yaml(origin.Url), Policies.Environment());
        using var client = session.CreateClient();
        using (await client.GetAsync(new Uri("api/v1/allowed", UriKind.Relative)))
        using (await client.GetAsync(new Uri("api/v2/denied", UriKind.Relative)))
            await Eventually.TrueAsync(() => Has("traces", session.Id, "the-gateway", "secrets request", "/v1/allowed", "/v2/denied", "gatehouse.verdict"));

        await Eventually.TrueAsync(() => Has("metrics", "the-gateway", "gatehouse.decisions", "gatehouse.decision.duration", "gatehouse.bytes", "gatehouse.attempt.duration", "allowed", "denied"));
        // Nothing but the session's trace: HTTP's own spans, of the agent's calls and of what is sent to the sink, would be traces beside it.
        Assert.DoesNotContain("network.protocol.version", _received["traces"], StringComparison.Ordinal);
        Assert.DoesNotContain(_received.Values, each => each.Contains(Policies.Key, StringComparison.Ordinal));
    }

    private bool Has(string signal, params string[] texts) => _received.TryGetValue(signal, out var all) && texts.All(text => all.Contains(text, StringComparison.Ordinal));
}
