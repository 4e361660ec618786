using System.Collections.Immutable;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Tests.Policies;

public sealed class PolicyWatchTests : IAsyncLifetime
{
    private TestGate _gate = null!;
    private TestLease _lease = null!;

    public async Task InitializeAsync()
    {
        _gate = await TestGate.StartAsync<EchoGate>();
        _lease = await _gate.OpenSessionAsync(Agent.DenyPolicy);
    }

    public async Task DisposeAsync()
    {
        _lease.Dispose();
        await _gate.DisposeAsync();
    }

    private GateSession Session => ((EchoGate)_gate.App.Services.GetRequiredService<IGate>()).Sessions[_lease.Id];

    [Fact]
    public async Task Policy_ChangedToAValidOne_IsSwappedAndRecorded()
    {
        await File.WriteAllTextAsync(_lease.PolicyPath, Agent.SpoolPolicy);
        await Eventually.TrueAsync(() => Session.Policy.WhenUnavailable == WhenUnavailable.Spool);
        var recorded = await _gate.Sink.WaitForAsync(e => e.Action == "policy.reloaded");
        Assert.Equal((Boundary.Sandbox, VerdictKind.Allowed, _lease.PolicyPath), (recorded.Gate, recorded.Verdict, recorded.Subject));
        Assert.Equal("egress", recorded.Detail!["gate"]);
    }

    [Fact]
    public async Task Policy_ReplacedByRename_IsSwapped()
    {
        await File.WriteAllTextAsync(_lease.PolicyPath + ".new", Agent.SpoolPolicy);
        File.Move(_lease.PolicyPath + ".new", _lease.PolicyPath, overwrite: true);
        await Eventually.TrueAsync(() => Session.Policy.WhenUnavailable == WhenUnavailable.Spool);
    }

    [Fact]
    public async Task Policy_ChangedToAnInvalidOne_IsRefusedWholeWithItsErrors()
    {
        var before = Session.Policy;
        await File.WriteAllTextAsync(_lease.PolicyPath, Agent.SpoolPolicy + "nonsense: 1\n");
        var recorded = await _gate.Sink.WaitForAsync(e => e.Action == "policy.refused");
        Assert.Equal(VerdictKind.Denied, recorded.Verdict);
        Assert.Contains("nonsense", recorded.Detail!["errors"], StringComparison.Ordinal);
        Assert.Same(before, Session.Policy);
    }

    [Fact]
    public async Task Policy_Deleted_StaysAndComesBackWithItsFile()
    {
        File.Delete(_lease.PolicyPath);
        var recorded = await _gate.Sink.WaitForAsync(e => e.Action == "policy.refused");
        Assert.Contains("can not be read", recorded.Reason, StringComparison.Ordinal);
        Assert.Equal(WhenUnavailable.Deny, Session.Policy.WhenUnavailable);

        await File.WriteAllTextAsync(_lease.PolicyPath, Agent.SpoolPolicy);
        await Eventually.TrueAsync(() => Session.Policy.WhenUnavailable == WhenUnavailable.Spool);
        Assert.Single(_gate.Sink.Events, e => e.Action == "policy.refused");
    }

    [Fact]
    public async Task Policy_TouchedAlone_IsNotReloaded()
    {
        var before = Session.Policy;
        File.SetLastWriteTimeUtc(_lease.PolicyPath, new(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await File.WriteAllTextAsync(_lease.PolicyPath, Agent.DenyPolicy);
        // That nothing happens can only be seen by waiting: three looks at the file.
        await Task.Delay(1500);
        Assert.Same(before, Session.Policy);
        Assert.DoesNotContain(_gate.Sink.Events, e => e.Action.StartsWith("policy.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Policies_OfTwoSessionsWithOneFile_AreSwappedInBoth()
    {
        var id = SessionId.Create(TimeProvider.System);
        using var second = await _gate.OpenSessionAsync(TestGate.Header(id, _lease.PolicyPath));
        await File.WriteAllTextAsync(_lease.PolicyPath, Agent.SpoolPolicy);
        foreach (var session in ((EchoGate)_gate.App.Services.GetRequiredService<IGate>()).Sessions.Values.ToImmutableArray())
            await Eventually.TrueAsync(() => session.Policy.WhenUnavailable == WhenUnavailable.Spool);
    }
}
