using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class RecorderTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly TestSession _deny = TestSession.Create(Agent.DenyPolicy);
    private readonly TestSession _spool = TestSession.Create(Agent.SpoolPolicy);
    private LogSinkStub _sink = null!;

    public async Task InitializeAsync() => _sink = await LogSinkStub.StartAsync();

    public async Task DisposeAsync()
    {
        await _sink.DisposeAsync();
        _deny.Dispose();
        _spool.Dispose();
        _folder.Dispose();
    }

    private string SpoolPath => _folder.File("state/spool/egress.ndjson");

    [Fact]
    public async Task Event_Recorded_ReachesTheSinkWhole()
    {
        await using var gate = await StartAsync();
        var id = Recorder(gate).TryRecord(
            _deny.Session, "connect", "a.test:443", Verdict.Deny("not named", "egress.allow[1]"), more => more["via"] = "connect");
        var stored = await _sink.WaitForAsync(e => e.Id == id);
        Assert.Equal(7, stored.Id.Version);
        Assert.Equal((Boundary.Egress, "connect", "a.test:443", VerdictKind.Denied), (stored.Gate, stored.Action, stored.Subject, stored.Verdict));
        Assert.Equal(("egress.allow[1]", "not named", "connect"), (stored.Rule, stored.Reason, stored.Detail!["via"]));
        await Eventually.TrueAsync(() => SpoolContent.Read(SpoolPath).Length == 0);
    }

    [Fact]
    public async Task End_Recorded_NamesItsAttempt()
    {
        await using var gate = await StartAsync();
        var attempt = Recorder(gate).TryRecord(_deny.Session, "connect", "a.test:443", Verdict.Allow("r"))!.Value;
        Recorder(gate).RecordEnd(_deny.Session, attempt, "connect.end", "a.test:443", 10, -1, TimeSpan.FromSeconds(1.5));
        var end = await _sink.WaitForAsync(e => e.Action == "connect.end");
        Assert.Equal((attempt, 10, 0, 1500), (end.Attempt!.Value, end.BytesSent, end.BytesReceived, end.DurationMs));
    }

    [Fact]
    public async Task Seal_CountsEveryEventOfItsSession_AndLateOnesOneByOne()
    {
        await using var gate = await StartAsync();
        var attempt = Recorder(gate).TryRecord(_deny.Session, "connect", "a.test:443", Verdict.Allow("r"))!.Value;
        Recorder(gate).TryRecord(_deny.Session, "connect", "b.test:443", Verdict.Deny("no"));
        Recorder(gate).TryRecord(_spool.Session, "connect", "c.test:443", Verdict.Allow("r"));
        Recorder(gate).Seal(_deny.Session);
        var seal = await _sink.WaitForAsync(e => e.Action == "seal");
        Assert.Equal((_deny.Session.Id.Value, Boundary.Egress, VerdictKind.Allowed, "2"), (seal.Session, seal.Gate, seal.Verdict, seal.Detail!["records"]));

        // A connection that was slow to end has its end recorded afterwards.
        Recorder(gate).RecordEnd(_deny.Session, attempt, "connect.end", "a.test:443", 1, 1, TimeSpan.FromSeconds(1));
        var late = await _sink.WaitForAsync(e => e.Action == "seal" && e.Id != seal.Id);
        Assert.Equal((_deny.Session.Id.Value, "1"), (late.Session, late.Detail!["records"]));
    }

    [Fact]
    public async Task Seal_UnderDeny_IsKeptWhileTheSinkIsDown()
    {
        await using var gate = await StartAsync();
        _sink.Mode = SinkMode.Down;
        await Eventually.TrueAsync(() => Task.FromResult(!Recorder(gate).IsHealthy));
        Recorder(gate).TryRecord(_deny.Session, "connect", "denied.test:443", Verdict.Allow("r"));
        Recorder(gate).Seal(_deny.Session);
        _sink.Mode = SinkMode.Up;
        // The attempt was denied, and recorded as that.
        Assert.Equal("1", (await _sink.WaitForAsync(e => e.Action == "seal")).Detail!["records"]);
    }

    [Fact]
    public async Task Sink_Down_DeniesOrSpoolsAsThePolicySays()
    {
        await using var gate = await StartAsync();
        _sink.Mode = SinkMode.Down;
        await Eventually.TrueAsync(() => Task.FromResult(!Recorder(gate).IsHealthy));

        Assert.Null(Recorder(gate).TryRecord(_deny.Session, "connect", "denied.test:443", Verdict.Allow("r")));
        Assert.NotNull(Recorder(gate).TryRecord(_spool.Session, "connect", "spooled.test:443", Verdict.Allow("r")));
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(gate));

        _sink.Mode = SinkMode.Up;
        Assert.Equal(VerdictKind.Allowed, (await _sink.WaitForAsync(e => e.Subject == "spooled.test:443")).Verdict);
        // What was denied for want of a record is recorded as what it was: denied.
        var denied = await _sink.WaitForAsync(e => e.Subject == "denied.test:443");
        Assert.Equal((VerdictKind.Denied, "the attempt could not be recorded"), (denied.Verdict, denied.Reason));
        await Eventually.TrueAsync(() => Recorder(gate).TryRecord(_deny.Session, "connect", "again.test:443", Verdict.Allow("r")) is not null);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(gate));
    }

    [Theory]
    [InlineData(SinkMode.Down)]
    [InlineData(SinkMode.Full)]
    [InlineData(SinkMode.Stuck)]
    public async Task Sink_NotTakingEventsAtStart_IsNotClaimedToBeUp(SinkMode mode)
    {
        _sink.Mode = mode;
        await using var gate = await StartAsync();
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(gate));
        Assert.Null(Recorder(gate).TryRecord(_deny.Session, "connect", "a.test:443", Verdict.Allow("r")));
        _sink.Mode = SinkMode.Up;
        await Eventually.TrueAsync(async () => await HealthAsync(gate) == HealthStatus.Healthy);
    }

    [Fact]
    public async Task Sink_ThatRefusesTheToken_IsDown()
    {
        await using var gate = await StartAsync(("Gatehouse:Token", "another"));
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(gate));
    }

    [Fact]
    public async Task Sink_ThatAnswersProbesButStoresNothing_IsDown()
    {
        await using var gate = await StartAsync();
        _sink.Mode = SinkMode.Full;
        Recorder(gate).TryRecord(_deny.Session, "connect", "a.test:443", Verdict.Allow("r"));
        await Eventually.TrueAsync(() => !Recorder(gate).IsHealthy);
        Assert.NotEmpty(SpoolContent.Read(SpoolPath));
    }

    [Fact]
    public async Task Event_Recorded_IsInThePageCacheWhateverTheSinkDoes()
    {
        await using var gate = await StartAsync();
        _sink.Mode = SinkMode.Stuck;
        // Before the gate hears of it: killed in the next moment, it has let nothing through without a record.
        Recorder(gate).TryRecord(_spool.Session, "connect", "first.test:443", Verdict.Allow("r"));
        Assert.Contains("first.test", SpoolContent.Read(SpoolPath), StringComparison.Ordinal);
        // The first batch is with the sink, which does not answer; this one must not wait for it.
        Recorder(gate).TryRecord(_spool.Session, "connect", "second.test:443", Verdict.Allow("r"));
        Assert.Contains("second.test", SpoolContent.Read(SpoolPath), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_OfAGateThatEnded_AreDeliveredByTheNext()
    {
        var ids = new List<Guid>();
        _sink.Mode = SinkMode.Down;
        await using (var first = await StartAsync())
        {
            for (var i = 0; i < 2_500; i++)
                ids.Add(Recorder(first).TryRecord(_spool.Session, "connect", $"{i}.test:443", Verdict.Allow("r"))!.Value);
        }
        _sink.Mode = SinkMode.Up;
        await using var second = await StartAsync();
        await Eventually.TrueAsync(() => _sink.Events.Count == ids.Count);
        Assert.Equal(ids, _sink.Events.Select(e => e.Id));
        Assert.InRange(_sink.Batches, 3, 10);
    }

    [Fact]
    public async Task Events_DeliveredButNotCut_AreSentAgainUnderTheirIds()
    {
        string lines;
        _sink.Mode = SinkMode.Stuck;
        await using (var first = await StartAsync())
        {
            Recorder(first).TryRecord(_spool.Session, "connect", "a.test:443", Verdict.Allow("r"));
            await Eventually.TrueAsync(() => SpoolContent.Read(SpoolPath).Length > 0);
            lines = SpoolContent.Read(SpoolPath);
            _sink.Mode = SinkMode.Up;
            await _sink.WaitForAsync(e => e.Subject == "a.test:443");
        }
        // As if the gate had been killed between the sink's answer and the cut.
        await File.WriteAllTextAsync(SpoolPath, lines);
        await using var second = await StartAsync();
        await Eventually.TrueAsync(() => _sink.Lines == 2);
        Assert.Single(_sink.Events);
    }

    [Fact]
    public async Task Event_TheSinkWillNeverTake_IsSetAsideAndHoldsUpNoOther()
    {
        _sink.Mode = SinkMode.Down;
        _sink.IsMalformed = e => e.Subject is "7.test:443" or "400.test:443";
        await using var gate = await StartAsync();
        for (var i = 0; i < 1_000; i++)
            Recorder(gate).TryRecord(_spool.Session, "connect", $"{i}.test:443", Verdict.Allow("r"));
        await Eventually.TrueAsync(() => File.Exists(SpoolPath) && SpoolContent.Read(SpoolPath).Count(each => each == '\n') == 1_000);
        _sink.Mode = SinkMode.Up;

        await Eventually.TrueAsync(() => _sink.Events.Count == 998);
        await Eventually.TrueAsync(() => SpoolContent.Read(SpoolPath).Length == 0);
        var rejected = (await File.ReadAllLinesAsync(_folder.File("state/spool/egress.rejected.ndjson")))
            .Select(line => JsonSerializer.Deserialize(line, EventJson.Default.BoundaryEvent)!.Subject);
        Assert.Equal(["7.test:443", "400.test:443"], rejected);
        Assert.InRange(_sink.Batches, 1, 60); // Halving, not one by one.
        Assert.True(Recorder(gate).IsHealthy);
    }

    [Fact]
    public async Task Spool_Full_DeniesEverybodyUntilThereIsRoom()
    {
        _sink.Mode = SinkMode.Down;
        await using var gate = await StartAsync(("Recorder:SpoolBytes", "1048576"), ("Recorder:QueueLength", "16"));
        var big = new string('x', 4_000);
        var taken = 0;
        await Eventually.TrueAsync(() =>
        {
            var recorded = Recorder(gate).TryRecord(_spool.Session, "connect", "a.test:443", Verdict.Allow("r"), more => more["big"] = big) is not null;
            taken += recorded ? 1 : 0;
            return !recorded && taken > 200;
        });
        Assert.InRange(SpoolContent.Read(SpoolPath).Length, 700_000, 1024 * 1024);

        _sink.Mode = SinkMode.Up;
        await Eventually.TrueAsync(() => Recorder(gate).IsHealthy);
        Assert.NotNull(Recorder(gate).TryRecord(_deny.Session, "connect", "b.test:443", Verdict.Allow("r")));
        // Every one that was promised.
        await Eventually.TrueAsync(() => _sink.Events.Count(e => e.Verdict == VerdictKind.Allowed && e.Subject == "a.test:443") == taken);
    }

    [Fact]
    public async Task Events_ByManyThreads_AreEachStoredOnce()
    {
        await using var gate = await StartAsync();
        var ids = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).SelectMany(thread => Enumerable.Range(0, 500)
            .Select(i => Recorder(gate).TryRecord(_spool.Session, "connect", $"{thread}-{i}.test:443", Verdict.Allow("r"))!.Value)).ToHashSet();
        Assert.Equal(4_000, ids.Count);
        await Eventually.TrueAsync(() => _sink.Events.Count == 4_000);
        Assert.True(ids.SetEquals(_sink.Events.Select(e => e.Id)));
    }

    [Fact]
    public async Task Event_OfHostileContent_IsBoundedAndValid()
    {
        await using var gate = await StartAsync();
        Recorder(gate).TryRecord(_deny.Session, new BoundaryEvent
        {
            Id = Guid.CreateVersion7(),
            Time = TimeProvider.System.GetUtcNow(),
            Session = _deny.Session.Id.Value,
            Gate = Boundary.Secrets,
            Action = "request",
            Subject = "GET /\ud800\n\0" + new string('\udc00', 5_000),
            Verdict = VerdictKind.Denied,
            DurationMs = double.NaN,
            BytesSent = -1,
            BytesReceived = long.MaxValue,
            Detail = Enumerable.Range(0, 100)
                .ToImmutableSortedDictionary(i => $"{new string('k', 200)}{i}", _ => new string('\ud83d', 9_000)).Add("", "\udfff"),
        });
        var stored = await _sink.WaitForAsync(e => e.Action == "request");
        Assert.Equal(2_048, stored.Subject.Length);
        Assert.StartsWith("GET /\ufffd\n\0\ufffd", stored.Subject, StringComparison.Ordinal);
        Assert.Equal((0, 0, 1L << 53), (stored.DurationMs, stored.BytesSent, stored.BytesReceived));
        Assert.InRange(stored.Detail!.Count, 1, 32);
        Assert.All(stored.Detail.Values, value => Assert.InRange(value.Length, 1, 4_096));
    }

    [Theory]
    [InlineData("Recorder:QueueLength", "3")]
    [InlineData("Recorder:QueueLength", "many")]
    [InlineData("Recorder:SpoolBytes", "1024")]
    [InlineData("Recorder:Sink", "log-sink")]
    public async Task Settings_ThatMakeNoSense_StopTheStart(string key, string value)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((key, value)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Token_Missing_StopsTheStart()
    {
        var error = Assert.Throws<InvalidOperationException>(() => WebApplication.CreateSlimBuilder().AddGate<EchoGate>("egress", Boundary.Egress));
        Assert.Contains("Gatehouse__Token", error.Message, StringComparison.Ordinal);
    }

    private static SpoolingRecorder Recorder(TestGate gate) => gate.App.Services.GetRequiredService<SpoolingRecorder>();

    private static async Task<HealthStatus> HealthAsync(TestGate gate) =>
        (await gate.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    private Task<TestGate> StartAsync(params (string Key, string Value)[] settings) => TestGate.StartAsync<EchoGate>(
        folder: _folder, sink: _sink,
        configure: builder => builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))));
}
