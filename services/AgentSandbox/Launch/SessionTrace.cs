using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>
/// The session's root span, under which every gate puts its decisions. Exported when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; otherwise
/// only its identity exists, and joins the records of one session.
/// </summary>
internal sealed class SessionTrace : IDisposable
{
    private static readonly ActivitySource s_source = new("Gatehouse.AgentSandbox");

    private readonly TracerProvider? _provider;
    private readonly Activity? _activity;
    private readonly ActivityContext _context;

    public SessionTrace(string session)
    {
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 })
        {
            _provider = Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(resource => resource.AddService("agent").AddEnvironmentVariableDetector())
                .AddSource(s_source.Name)
                .AddOtlpExporter()
                .Build();
            _activity = s_source.StartActivity("session " + session, ActivityKind.Internal, default(ActivityContext));
            _activity?.SetTag("session.id", session);
        }

        _context = _activity?.Context
            ?? new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
    }

    /// <summary>W3C form (Trace Context §3.2): <c>00-trace-span-01</c>.</summary>
    public string TraceParent => $"00-{_context.TraceId}-{_context.SpanId}-01";

    public string TraceId => _context.TraceId.ToHexString();

    public void Tag(string name, object? value) => _activity?.SetTag(name, value);

    /// <summary>Ends the span; waits at most 2 s for its export.</summary>
    public void Dispose()
    {
        _activity?.Dispose();
        _provider?.ForceFlush(2_000);
        _provider?.Dispose();
    }
}
