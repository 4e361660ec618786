using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Tests.Recording;

/// <summary>Disks that are full, slow or in the way, and an agent that makes use of it.</summary>
public sealed class RecorderFaultTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly TestSession _spool = TestSession.Create(Agent.SpoolPolicy);
    private LogSinkStub _sink = null!;

    public async Task InitializeAsync() => _sink = await LogSinkStub.StartAsync();

    public async Task DisposeAsync()
    {
        await _sink.DisposeAsync();
        _spool.Dispose();
        _folder.Dispose();
    }

    private string SpoolPath => _folder.File("state/spool/egress.ndjson");

    /// <summary>Before, the first failure to give room back ended delivery until the gate was started again.</summary>
    [Fact]
    public async Task Spool_ThatCanNotBeCompacted_IsStillDeliveredToItsEnd()
    {
        _sink.Mode = SinkMode.Down;
        await using var gate = await StartAsync();
        // What is in the way of the new file cannot be removed, as on a disk without room the file cannot be written.
        Directory.CreateDirectory(SpoolPath + ".new/x");
        var big = new string('x', 4_000);
        var ids = Enumerable.Range(0, 1_200).Select(_ => Record(gate, "a.test:443", big)!.Value).ToList();
        Assert.True(new FileInfo(SpoolPath).Length > 4 * 1024 * 1024);

        _sink.Mode = SinkMode.Up;

        await Eventually.TrueAsync(() => _sink.Events.Count == ids.Count);
        Assert.Equal(ids, _sink.Events.Select(each => each.Id));
        await Eventually.TrueAsync(() => Recorder(gate).IsHealthy);
        await Eventually.TrueAsync(() => SpoolContent.Read(SpoolPath).Length == 0);
    }

    /// <summary>Before, it was thrown away, and the gate went on without a record.</summary>
    [Fact]
    public async Task Event_RefusedForGoodThatCanNotBeSetAside_StaysInTheSpool_AndDenies()
    {
        var rejected = _folder.File("state/spool/egress.rejected.ndjson");
        await using var gate = await StartAsync();
        Directory.CreateDirectory(rejected);
        using var deny = TestSession.Create(Agent.DenyPolicy);
        await Eventually.TrueAsync(() => Recorder(gate).IsHealthy);
        Assert.NotNull(Recorder(gate).TryRecord(deny.Session, "connect", "before.test:443", Verdict.Allow("r")));
        await _sink.WaitForAsync(each => each.Subject == "before.test:443");
        _sink.Mode = SinkMode.Malformed;

        var id = Record(gate, "kept.test:443")!.Value;

        await Eventually.TrueAsync(() => !Recorder(gate).IsHealthy);
        Assert.Null(Recorder(gate).TryRecord(deny.Session, "connect", "denied.test:443", Verdict.Allow("r")));
        Assert.Contains(id.ToString(), SpoolContent.Read(SpoolPath), StringComparison.Ordinal);
        _sink.Mode = SinkMode.Up;
        Assert.Equal(id, (await _sink.WaitForAsync(each => each.Subject == "kept.test:443")).Id);
        await Eventually.TrueAsync(() => Recorder(gate).IsHealthy);
    }

    [Fact]
    public async Task Disk_ThatHangs_DeniesInTime_AndEverybodyElseAtOnce()
    {
        await using var gate = await StartAsync();
        using var release = new ManualResetEventSlim();
        using var held = new ManualResetEventSlim();
        var disk = new Thread(() =>
        {
            lock (Spool(gate).Appending)
            {
                held.Set();
                release.Wait(Eventually.Bound);
            }
        });
        disk.Start();
        Assert.True(held.Wait(Eventually.Bound));

        var first = Task.Run(() => Record(gate, "first.test:443"));
        Assert.Null(await first.WaitAsync(Eventually.Bound));
        // They stand behind what waits now, not behind the disk.
        for (var i = 0; i < 200; i++)
            Assert.Null(await Task.Run(() => Record(gate, $"{i}.test:443")).WaitAsync(Eventually.Bound));
        Assert.False(release.IsSet);
        Assert.Empty(_sink.Events);

        release.Set();
        disk.Join();
        await Eventually.TrueAsync(() => _sink.Events.Count == 201);
        Assert.All(_sink.Events, each => Assert.Equal((VerdictKind.Denied, "the attempt could not be recorded"), (each.Verdict, each.Reason)));
        await Eventually.TrueAsync(() => Record(gate, "again.test:443") is not null);
    }

    [Fact]
    public async Task Attempts_InAFloodWhileNothingCanBeWritten_LeaveRoomForTheEndsOfConnections()
    {
        _sink.Mode = SinkMode.Down;
        await using var gate = await StartAsync(("Recorder:SpoolBytes", "1048576"), ("Recorder:QueueLength", "64"));
        var open = Record(gate, "open.test:443")!.Value;
        var big = new string('x', 4_000);
        var acknowledged = new HashSet<Guid> { open };
        while (Record(gate, "flood.test:443", big) is { } id)
            acknowledged.Add(id);
        Parallel.For(0, 100_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ => Assert.Null(Record(gate, "flood.test:443")));
        Recorder(gate).RecordEnd(_spool.Session, open, "connect.end", "open.test:443", 1, 2, TimeSpan.FromSeconds(1));

        _sink.Mode = SinkMode.Up;

        Assert.Equal(open, (await _sink.WaitForAsync(each => each.Action == "connect.end")).Attempt);
        Assert.Empty(acknowledged.Except(_sink.Events.Select(each => each.Id)));
        Assert.All(_sink.Events.Where(each => !acknowledged.Contains(each.Id) && each.Attempt is null), each => Assert.Equal(VerdictKind.Denied, each.Verdict));
    }

    private Guid? Record(TestGate gate, string subject, string? big = null) =>
        Recorder(gate).TryRecord(_spool.Session, "connect", subject, Verdict.Allow("r"), more => more["big"] = big);

    private static SpoolingRecorder Recorder(TestGate gate) => gate.App.Services.GetRequiredService<SpoolingRecorder>();

    private static SpoolFile Spool(TestGate gate) => Recorder(gate).Spool;

    private Task<TestGate> StartAsync(params (string Key, string Value)[] settings) => TestGate.StartAsync<EchoGate>(folder: _folder, sink: _sink, configure: builder =>
    {
        foreach (var (key, value) in settings)
            builder.Configuration[key] = value;
    });
}
