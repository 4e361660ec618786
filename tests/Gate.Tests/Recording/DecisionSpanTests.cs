using System.Diagnostics;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class DecisionSpanTests : IDisposable
{
    private readonly List<Activity> _spans = [];
    private readonly ActivityContext _trace = new(
        ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true);
    private readonly ActivityListener _listener;
    private readonly TestSession _session;

    public DecisionSpanTests()
    {
        _listener = new()
        {
            ShouldListenTo = source => source.Name == "Gatehouse.Gate",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent.TraceId == _trace.TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = _spans.Add,
        };
        ActivitySource.AddActivityListener(_listener);
        _session = TestSession.Create(Agent.DenyPolicy, _trace);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _session.Dispose();
    }

    [Fact]
    public void Decision_Denied_IsAFailedSpanUnderTheSession()
    {
        var span = Emit(Boundary.Egress, "connect", "[::1]:443", VerdictKind.Denied, "raw address");
        Assert.Equal(_trace.SpanId, span.ParentSpanId);
        Assert.Equal("egress connect", span.DisplayName);
        Assert.Equal((ActivityStatusCode.Error, "raw address"), (span.Status, span.StatusDescription));
        Assert.Equal(("::1", 443, "denied"), (span.GetTagItem("server.address"), span.GetTagItem("server.port"), span.GetTagItem("gatehouse.verdict")));
    }

    [Theory]
    [InlineData(Boundary.Dns, "query", "a.test AAAA", "dns.question.name", "a.test")]
    [InlineData(Boundary.Egress, "connect", "a.test:22", "server.address", "a.test")]
    [InlineData(Boundary.Egress, "connect.end", "a.test:22", "server.address", "a.test")]
    [InlineData(Boundary.Egress, "request", "GET http://a.test:81/x", "url.full", "http://a.test:81/x")]
    [InlineData(Boundary.Egress, "request", "GET http://a.test:81/x", "server.address", "a.test")]
    [InlineData(Boundary.Egress, "packet", "udp 1.2.3.4:443", "gatehouse.subject", "udp 1.2.3.4:443")]
    [InlineData(Boundary.Secrets, "request", "POST anthropic/v1/messages", "http.request.method", "POST")]
    [InlineData(Boundary.Secrets, "request", "POST anthropic/v1/messages", "url.path", "anthropic/v1/messages")]
    [InlineData(Boundary.Egress, "connect", "", "gatehouse.subject", "")]
    [InlineData(Boundary.Egress, "connect", ":", "gatehouse.subject", ":")]
    [InlineData(Boundary.Egress, "request", "GET", "gatehouse.subject", "GET")]
    public void Decision_OfAnyGate_HasTheFieldsNames(Boundary gate, string action, string subject, string tag, string value)
    {
        var span = Emit(gate, action, subject, VerdictKind.Allowed, null);
        Assert.Equal(value, span.GetTagItem(tag));
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
    }

    private Activity Emit(Boundary gate, string action, string subject, VerdictKind verdict, string? reason)
    {
        DecisionSpans.Emit(_session.Session, new()
        {
            Id = Guid.CreateVersion7(),
            Time = TimeProvider.System.GetUtcNow(),
            Session = "s",
            Gate = gate,
            Action = action,
            Subject = subject,
            Verdict = verdict,
            Reason = reason,
        });
        return Assert.Single(_spans);
    }
}
