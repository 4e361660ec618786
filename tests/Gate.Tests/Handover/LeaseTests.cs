using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Tests.Handover;

public sealed class LeaseTests
{
    [Fact]
    public async Task Lease_Closed_ClosesListenersAndConnections()
    {
        await using var gate = await TestGate.StartAsync<EchoGate>();
        var socket = TestSockets.Listen(SocketPurpose.Transparent);
        var lease = await gate.OpenSessionAsync(Agent.DenyPolicy, socket);
        using var agent = await socket.DialAsync();
        Assert.Equal("hello", await agent.ReadLineAsync());

        lease.Dispose();

        Assert.True(await agent.IsClosedAsync());
        await Eventually.TrueAsync(socket.IsRefusedAsync);
    }

    [Fact]
    public async Task Lease_Closed_StopsListeningWhoeverElseHoldsTheSocket()
    {
        await using var gate = await TestGate.StartAsync<EchoGate>();
        var policy = Path.Combine(gate.Folder, "policy.yaml");
        await File.WriteAllTextAsync(policy, Agent.DenyPolicy);
        using var kept = TestSockets.Listen(SocketPurpose.Transparent);
        var lease = await gate.OpenSessionAsync(TestGate.Header(SessionId.Create(TimeProvider.System), policy, kept), kept);
        lease.Dispose();
        await Eventually.TrueAsync(kept.IsRefusedAsync);
    }

    [Fact]
    public async Task Lease_ClosedWhileTheGateIsStuck_ClosesItsSocketsAllTheSame()
    {
        await using var gate = await TestGate.StartAsync<EchoGate>();
        var stuck = new TaskCompletionSource();
        ((EchoGate)gate.App.Services.GetRequiredService<IGate>()).Closing = () => stuck.Task;
        var socket = TestSockets.Listen(SocketPurpose.Transparent);
        var lease = await gate.OpenSessionAsync(Agent.DenyPolicy, socket);
        using var agent = await socket.DialAsync();
        Assert.Equal("hello", await agent.ReadLineAsync());
        lease.Dispose();
        Assert.True(await agent.IsClosedAsync());
        await Eventually.TrueAsync(socket.IsRefusedAsync);
        stuck.SetResult();
    }

    [Fact]
    public async Task Launcher_Killed_EndsItsSessionAndNoOther()
    {
        await using var gate = await TestGate.StartAsync<EchoGate>();
        var other = TestSockets.Listen(SocketPurpose.Transparent);
        using var lease = await gate.OpenSessionAsync(Agent.DenyPolicy, other);

        string[] arguments = [typeof(LauncherProgram).Assembly.Location, gate.SocketPath, lease.PolicyPath];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true };
        using var launcher = Process.Start(start)!;
        var port = int.Parse((await launcher.StandardOutput.ReadLineAsync().WaitAsync(Eventually.Bound))!, CultureInfo.InvariantCulture);
        using var agent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await agent.ConnectAsync(IPAddress.Loopback, port);
        Assert.Equal("hello", await agent.ReadLineAsync());

        launcher.Kill(); // SIGKILL
        await launcher.WaitForExitAsync().WaitAsync(Eventually.Bound);

        Assert.True(await agent.IsClosedAsync());
        using var untouched = await other.DialAsync();
        Assert.Equal("hello", await untouched.ReadLineAsync());
    }

    [Fact]
    public async Task Gate_Stopped_EndsItsSessionsAndTellsTheirLaunchers()
    {
        await using var gate = await TestGate.StartAsync<EchoGate>();
        var socket = TestSockets.Listen(SocketPurpose.Transparent);
        using var lease = await gate.OpenSessionAsync(Agent.DenyPolicy, socket);
        await gate.App.StopAsync();
        Assert.True(await lease.Lease.IsClosedAsync());
        Assert.True(await socket.IsRefusedAsync());
        Assert.False(File.Exists(gate.SocketPath));
    }

    [Fact]
    public async Task Gate_BesideALiveOne_DoesNotStartAndSaysWhy()
    {
        using var folder = new TempFolder();
        await using var first = await TestGate.StartAsync<EchoGate>(folder: folder);
        // Another state directory: what refuses must be the socket's lock.
        var error = await Assert.ThrowsAsync<IOException>(() => TestGate.StartAsync<EchoGate>(
            folder: folder, configure: builder => builder.Services.AddSingleton(StateDirectory.Open(folder.File("other")))));
        Assert.Contains("The egress gate", error.Message, StringComparison.Ordinal);
        Assert.Contains("in use by another process", error.Message, StringComparison.Ordinal);
        using var lease = await first.OpenSessionAsync(Agent.DenyPolicy);
    }

    [Fact]
    public async Task Gate_AfterOneThatDied_ReplacesItsSocket()
    {
        using var folder = new TempFolder();
        var path = RunDirectory.Open(folder.File("run")).GateSocket("egress");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            File.Move(path, path + ".kept"); // .NET removes the file on disposal; a process that is killed does not.
        }
        File.Move(path + ".kept", path);
        await using var gate = await TestGate.StartAsync<EchoGate>(folder: folder);
        using var lease = await gate.OpenSessionAsync(Agent.DenyPolicy);
    }
}
