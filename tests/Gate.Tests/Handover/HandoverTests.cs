using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.Gate.Tests.Handover;

public sealed class HandoverTests : IAsyncLifetime
{
    private TestGate _gate = null!;

    public async Task InitializeAsync() => _gate = await TestGate.StartAsync<EchoGate>();

    public async Task DisposeAsync() => await _gate.DisposeAsync();

    private EchoGate Echo => (EchoGate)_gate.App.Services.GetRequiredService<IGate>();

    [Fact]
    public async Task Session_HandedOver_IsServedOnItsOwnSockets()
    {
        var first = TestSockets.Listen(SocketPurpose.Transparent);
        var second = TestSockets.Listen(SocketPurpose.ExplicitProxy);
        using var lease = await _gate.OpenSessionAsync(Agent.DenyPolicy, first, second);

        foreach (var socket in new[] { first, second })
        {
            using var agent = await socket.DialAsync();
            Assert.Equal("hello", await agent.ReadLineAsync());
            await agent.SendAsync("ping\n"u8.ToArray());
            Assert.Equal("ping", await agent.ReadLineAsync());
            var recorded = await _gate.Sink.WaitForAsync(e => e.Subject == socket.EndPoint().ToString());
            Assert.Equal(lease.Id.Value, recorded.Session);
        }
    }

    [Fact]
    public async Task Session_WithEverything_ReachesTheGate()
    {
        var policy = WritePolicy();
        var id = SessionId.Create(TimeProvider.System);
        const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        using var lease = await _gate.OpenSessionAsync(TestGate.Header(id, policy) with
        {
            TraceParent = Trace,
            Environment = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("KEY", "sëcret"),
        });

        var session = Echo.Sessions[id];
        Assert.Equal("sëcret", session.Environment["KEY"]);
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", session.Trace.TraceId.ToHexString());
        Assert.True(session.Trace.IsRemote);
        Assert.Equal(_gate.Folder, session.PolicyDirectory);
    }

    [Fact]
    public async Task Session_With253Sockets_IsServed()
    {
        var sockets = Enumerable.Range(0, SessionHeader.MaxSockets).Select(_ => TestSockets.Listen(SocketPurpose.Transparent)).ToArray();
        using var lease = await _gate.OpenSessionAsync(Agent.DenyPolicy, sockets);
        using var agent = await sockets[^1].DialAsync();
        Assert.Equal("hello", await agent.ReadLineAsync());
    }

    [Fact]
    public async Task Session_UnderAnIdInUse_IsRefusedAndTheFirstGoesOn()
    {
        var id = SessionId.Create(TimeProvider.System);
        var policy = WritePolicy();
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using var first = await _gate.OpenSessionAsync(TestGate.Header(id, policy, socket), socket);
        await AssertRefusedAsync(TestGate.Header(id, policy), "open already");

        using var agent = await socket.DialAsync();
        Assert.Equal("hello", await agent.ReadLineAsync());
    }

    [Fact]
    public async Task Session_AfterOneOfThatIdEnded_IsServed()
    {
        var header = TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy());
        (await _gate.OpenSessionAsync(header)).Dispose();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var again = await _gate.OpenSessionAsync(header);
                return true;
            }
            catch (GateUnavailableException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task Sessions_OverTheBound_AreRefused()
    {
        var policy = WritePolicy();
        var leases = new List<IDisposable>();
        for (var i = 0; i < SessionServer.MaxSessions; i++)
            leases.Add(await _gate.OpenSessionAsync(TestGate.Header(SessionId.Create(TimeProvider.System), policy) with { Session = $"s{i}" }));
        await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), policy), "64 sessions are open");
        leases.ForEach(lease => lease.Dispose());
    }

    [Fact]
    public async Task Session_ThatTheGateRefuses_TellsTheLauncherWhy()
    {
        Echo.Opening = _ => throw new SessionRefusedException("ca.pem is not there. Write it.");
        await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy()), "ca.pem is not there. Write it.");
    }

    [Fact]
    public async Task Session_WhoseGateFails_TellsTheLauncherAndLeavesNothingOpen()
    {
        Echo.Opening = _ => throw new InvalidOperationException("internal detail");
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        var error = await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy(), socket), "The gate failed", socket);
        Assert.DoesNotContain("internal detail", error.Message, StringComparison.Ordinal);
        socket.Dispose();
        await Eventually.TrueAsync(socket.IsRefusedAsync);
    }

    [Fact]
    public async Task Session_WhoseGateIsLate_IsRefusedAndClosedWhenItOpensAfterAll()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gate = await TestGate.StartAsync<EchoGate>(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        var echo = (EchoGate)gate.App.Services.GetRequiredService<IGate>();
        var (begun, release, closed) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        echo.Opening = _ =>
        {
            begun.SetResult();
            return release.Task;
        };
        echo.Closing = () =>
        {
            closed.SetResult();
            return Task.CompletedTask;
        };
        var header = TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy());
        var opening = gate.OpenSessionAsync(header);
        await begun.Task.WaitAsync(Eventually.Bound);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("not ready within 10 s", (await Assert.ThrowsAsync<GateUnavailableException>(() => opening)).Message, StringComparison.Ordinal);
        release.SetResult();
        await closed.Task.WaitAsync(Eventually.Bound);
    }

    [Theory]
    [InlineData("", "64 lower-case hex digits")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "is not the file that the launcher read")]
    public async Task Policy_OfAnotherHash_IsRefused(string hash, string message) =>
        await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy()) with { PolicySha256 = hash }, message);

    [Fact]
    public async Task Policy_WithErrors_IsRefusedWithAllOfThem()
    {
        var path = Path.Combine(_gate.Folder, "bad.yaml");
        await File.WriteAllTextAsync(path, "version: 1\nnonsense: 1\nmore: 2\n");
        var error = await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), path), "bad.yaml:2:1");
        Assert.Contains("bad.yaml:3:1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gatehouse.yaml", "must be absolute")]
    [InlineData("/nonexistent/gatehouse.yaml", "can not be read")]
    [InlineData("/dev/zero", "is not a regular file")]
    [InlineData("/proc", "is not a regular file")]
    public async Task Policy_ThatIsNoFile_IsRefused(string path, string message) =>
        await AssertRefusedAsync(TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy()) with { Policy = path }, message);

    [Fact]
    public async Task Client_WithoutAGate_SaysHowToStartOne()
    {
        var header = TestGate.Header(SessionId.Create(TimeProvider.System), WritePolicy());
        var error = await Assert.ThrowsAsync<GateUnavailableException>(() =>
            GateClient.OpenSessionAsync(Path.Combine(_gate.Folder, "run", "dns.sock"), header, [], CancellationToken.None));
        Assert.Contains("dns gate is not running", error.Message, StringComparison.Ordinal);
        Assert.Contains("gatehouse up", error.Message, StringComparison.Ordinal);
    }

    private string WritePolicy()
    {
        var path = Path.Combine(_gate.Folder, Guid.NewGuid().ToString("N") + ".yaml");
        File.WriteAllText(path, Agent.DenyPolicy);
        return path;
    }

    private async Task<GateUnavailableException> AssertRefusedAsync(SessionHeader header, string message, params SessionSocket[] sockets)
    {
        var error = await Assert.ThrowsAsync<GateUnavailableException>(() => _gate.OpenSessionAsync(header, sockets));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        return error;
    }
}
