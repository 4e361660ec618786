using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gatehouse.EgressProxy.Tunnel;
using Gatehouse.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.EgressProxy.Tests.Tunnel;

public sealed class TunnelRelayTests : IDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(10);

    private readonly List<Socket> _sockets = [];
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _ended = new();

    [Fact]
    public async Task Bytes_PassBothWays_AndAreCounted()
    {
        var (agent, origin, relay) = await StartAsync("first "u8.ToArray());

        await agent.SendAsync("hello"u8.ToArray());
        Assert.Equal("first hello", await ReadAsync(origin, 11));
        await origin.SendAsync("hi"u8.ToArray());
        Assert.Equal("hi", await ReadAsync(agent, 2));
        agent.Shutdown(SocketShutdown.Send);
        origin.Shutdown(SocketShutdown.Send);

        Assert.Equal(new TunnelEnd(11, 2, TunnelOutcome.Completed), await relay.WaitAsync(Eventually.Bound));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HalfClose_LeavesTheOtherDirectionOpen(bool agentIsFirst)
    {
        var (agent, origin, relay) = await StartAsync();
        var (first, second) = agentIsFirst ? (agent, origin) : (origin, agent);

        first.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await ReadAsync(second, 1));
        await second.SendAsync("still here"u8.ToArray());
        Assert.Equal("still here", await ReadAsync(first, 10));
        second.Shutdown(SocketShutdown.Send);

        Assert.Equal(TunnelOutcome.Completed, (await relay.WaitAsync(Eventually.Bound)).Outcome);
    }

    [Fact]
    public async Task BigTransfer_BothWaysAtOnce_IsIntact()
    {
        const int Length = 48 * 1024 * 1024;
        var (agent, origin, relay) = await StartAsync();

        var hashes = await Task.WhenAll(SendAsync(agent, 1), SendAsync(origin, 2), HashAsync(origin), HashAsync(agent))
            .WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(hashes[0], hashes[2]);
        Assert.Equal(hashes[1], hashes[3]);
        Assert.Equal(new TunnelEnd(Length, Length, TunnelOutcome.Completed), await relay.WaitAsync(Eventually.Bound));

        static async Task<string> SendAsync(Socket socket, int seed)
        {
            var bytes = new byte[Length];
            new Random(seed).NextBytes(bytes);
            await socket.SendAsync(bytes);
            socket.Shutdown(SocketShutdown.Send);
            return Convert.ToHexString(SHA256.HashData(bytes));
        }

        static async Task<string> HashAsync(Socket socket)
        {
            await using var stream = new NetworkStream(socket);
            return Convert.ToHexString(await SHA256.HashDataAsync(stream));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reset_EndsBothSides_AndSaysWhoseItWas(bool isAgent)
    {
        var (agent, origin, relay) = await StartAsync();
        var (failing, other) = isAgent ? (agent, origin) : (origin, agent);

        failing.Close(0);

        Assert.Equal(isAgent ? TunnelOutcome.ClientFailed : TunnelOutcome.UpstreamFailed, (await relay.WaitAsync(Eventually.Bound)).Outcome);
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(other, 1));
    }

    [Fact]
    public async Task Silence_EndsIt_ActivityPutsThatOff()
    {
        var (agent, origin, relay) = await StartAsync();

        _time.Advance(s_idle - TimeSpan.FromSeconds(1));
        await agent.SendAsync("x"u8.ToArray());
        await ReadAsync(origin, 1);
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.False(relay.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(TunnelOutcome.Idle, (await relay.WaitAsync(Eventually.Bound)).Outcome);
    }

    [Fact]
    public async Task SessionEnd_EndsIt_AlsoWhenOneSideDoesNotRead()
    {
        var (agent, origin, relay) = await StartAsync();
        // More than the kernel buffers: the relay is stuck in a send.
        var stuck = agent.SendAsync(new byte[64 * 1024 * 1024]);

        await _ended.CancelAsync();

        Assert.Equal(TunnelOutcome.SessionEnded, (await relay.WaitAsync(Eventually.Bound)).Outcome);
        await Assert.ThrowsAsync<SocketException>(() => stuck.WaitAsync(Eventually.Bound));
        _ = origin;
    }

    public void Dispose()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _ended.Dispose();
    }

    private async Task<(Socket Agent, Socket Origin, Task<TunnelEnd> Relay)> StartAsync(byte[]? first = null)
    {
        var (agent, client) = await PairAsync();
        var (upstream, origin) = await PairAsync();
        return (agent, origin, TunnelRelay.RunAsync(client, upstream, first, s_idle, _time, _ended.Token));
    }

    private async Task<(Socket Near, Socket Far)> PairAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var near = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await near.ConnectAsync(listener.LocalEndPoint!);
        var far = await listener.AcceptAsync();
        _sockets.AddRange([near, far]);
        return (near, far);
    }

    private static async Task<string> ReadAsync(Socket socket, int count)
    {
        var buffer = new byte[count];
        using var deadline = new CancellationTokenSource(Eventually.Bound);
        for (var read = 0; read < count;)
        {
            var now = await socket.ReceiveAsync(buffer.AsMemory(read), SocketFlags.None, deadline.Token);
            if (now == 0)
                return System.Text.Encoding.ASCII.GetString(buffer, 0, read);
            read += now;
        }

        return System.Text.Encoding.ASCII.GetString(buffer);
    }
}
