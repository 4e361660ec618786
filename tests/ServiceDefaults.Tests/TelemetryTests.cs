using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Telemetry_NoCollector_IsNotAssembled()
    {
        await using var service = await TestService.StartAsync(args: ["--OTEL_EXPORTER_OTLP_ENDPOINT="]);

        Assert.Null(service.Services.GetService<TracerProvider>());
        Assert.Null(service.Services.GetService<MeterProvider>());
    }

    [Fact]
    public async Task Telemetry_CollectorNamed_HearsOurSources()
    {
        await using var service = await TestService.StartAsync(args: ["--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9"]);
        using var source = new System.Diagnostics.ActivitySource("Gatehouse.Anything");

        Assert.NotNull(service.Services.GetService<MeterProvider>());
        Assert.NotNull(service.Services.GetService<TracerProvider>());
        Assert.True(source.HasListeners());
    }
}
