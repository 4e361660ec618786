using System.Text.Json;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.AgentSandbox.Tests.Recording;

/// <summary>No agent starts without the record of it, and none is kept from starting by a sink that is a moment late.</summary>
public sealed class SessionStartTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SessionEvents _events;

    public SessionStartTests() => _events = new(
        StateDirectory.Open(Path.Combine(_folder.Path, "state")), RunDirectory.Open(Path.Combine(_folder.Path, "run")), TimeProvider.System);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(SinkMode.Full)]
    [InlineData(SinkMode.Down)]
    [InlineData(SinkMode.Stuck)]
    public async Task Start_WhileTheSinkTakesNothing_WaitsAndIsRecordedOnce(SinkMode mode)
    {
        await using var sink = await LogSinkStub.StartAsync(mode);
        Announce(sink);
        var start = Start();
        var recording = _events.TryRecordStartAsync(start);
        await Task.Delay(500);
        Assert.False(recording.IsCompleted);

        sink.Mode = SinkMode.Up;
        Assert.True(await recording);
        Assert.Equal(start.Id, Assert.Single(sink.Events).Id);
    }

    [Fact]
    public async Task Start_BeforeTheSinkIsKnown_WaitsForIt()
    {
        await using var sink = await LogSinkStub.StartAsync();
        var recording = _events.TryRecordStartAsync(Start());
        await Task.Delay(300);
        Assert.False(recording.IsCompleted);
        Announce(sink);
        Assert.True(await recording);
    }

    [Fact]
    public async Task Start_ThatNobodyRecords_IsGivenUp() => Assert.False(await _events.TryRecordStartAsync(Start()));

    private BoundaryEvent Start() => _events.Create("20261127-210000-0000", "", Boundary.Sandbox, "session.start", "bash");

    private void Announce(LogSinkStub sink) =>
        _folder.Write("run/log-sink.json", JsonSerializer.Serialize(new { url = sink.Uri.GetLeftPart(UriPartial.Authority), token = LogSinkStub.Token }));
}
