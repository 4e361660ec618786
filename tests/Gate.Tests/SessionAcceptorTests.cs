using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gatehouse.Gate.Tests;

public sealed class SessionAcceptorTests : IDisposable
{
    private readonly CancellationTokenSource _ended = new();

    public void Dispose() => _ended.Dispose();

    [Fact]
    public async Task Connection_Accepted_TellsWhatTheAgentDialled()
    {
        // Bound to every address: only the accepted socket knows.
        var wide = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        wide.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        wide.Listen();
        var port = ((IPEndPoint)wide.LocalEndPoint!).Port;
        using var listener = new SessionSocket(new(SocketPurpose.Transparent, port, true), wide);
        var dialled = new TaskCompletionSource<IPEndPoint>();
        var accepting = RunAsync(listener, new(1), (_, address, _) =>
        {
            dialled.SetResult(address);
            return Task.CompletedTask;
        });
        using var agent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await agent.ConnectAsync(IPEndPoint.Parse($"127.9.8.7:{port}"));
        Assert.Equal(IPEndPoint.Parse($"127.9.8.7:{port}"), await dialled.Task.WaitAsync(Eventually.Bound));
        await EndAsync(accepting);
    }

    [Fact]
    public async Task Connections_OverTheSlots_WaitForOneToEnd()
    {
        using var listener = TestSockets.Listen(SocketPurpose.Transparent);
        using var idle = TestSockets.Listen(SocketPurpose.Transparent);
        var running = 0;
        var most = 0;
        var slots = new SemaphoreSlim(2);
        Func<Socket, IPEndPoint, CancellationToken, Task> handle = async (socket, _, token) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await socket.SendAsync("in\n"u8.ToArray(), token);
            await socket.ReceiveAsync(new byte[1], token);
            Interlocked.Decrement(ref running);
            socket.Dispose();
        };
        // An idle listener that held a slot would leave one for the other.
        var accepting = Task.WhenAll(RunAsync(listener, slots, handle), RunAsync(idle, slots, handle));

        var agents = new List<Socket>();
        for (var i = 0; i < 4; i++)
            agents.Add(await listener.DialAsync());
        Assert.Equal("in", await agents[0].ReadLineAsync());
        Assert.Equal("in", await agents[1].ReadLineAsync());
        Assert.Equal(0, slots.CurrentCount);
        agents[0].Dispose();
        Assert.Equal("in", await agents[2].ReadLineAsync());
        agents[1].Dispose();
        Assert.Equal("in", await agents[3].ReadLineAsync());
        Assert.Equal(2, most);
        await EndAsync(accepting);
        agents.ForEach(agent => agent.Dispose());
    }

    [Fact]
    public async Task Handler_ThatThrows_ClosesItsConnectionAlone()
    {
        using var listener = TestSockets.Listen(SocketPurpose.Transparent);
        var accepting = RunAsync(listener, new(1), (_, _, _) => throw new InvalidOperationException("a bug"));
        for (var i = 0; i < 3; i++)
        {
            using var agent = await listener.DialAsync();
            Assert.True(await agent.IsClosedAsync());
        }
        await EndAsync(accepting);
    }

    [Fact]
    public async Task Session_Ended_ClosesConnectionsUnderTheirHandlers()
    {
        using var listener = TestSockets.Listen(SocketPurpose.Transparent);
        // This one does not heed its token.
        var accepting = RunAsync(listener, new(8), async (socket, _, _) => await socket.ReceiveAsync(new byte[1], CancellationToken.None));
        using var agent = await listener.DialAsync();
        await _ended.CancelAsync();
        Assert.True(await agent.IsClosedAsync());
        await accepting.WaitAsync(Eventually.Bound);
    }

    private Task RunAsync(SessionSocket listener, SemaphoreSlim slots, Func<Socket, IPEndPoint, CancellationToken, Task> handle) =>
        SessionAcceptor.RunAsync(listener, slots, handle, NullLogger.Instance, _ended.Token);

    private async Task EndAsync(Task accepting)
    {
        await _ended.CancelAsync();
        await accepting.WaitAsync(Eventually.Bound);
    }
}
