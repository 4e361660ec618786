using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Sessions;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>
/// The whole gate, hosted as its program hosts it, between an agent's sockets and real origins. On loopback an agent dials the addresses of
/// 127.0.0.0/8, each test its own: the resolver says which name each stands for. Ports 80 and 443 are bound there, which root may.
/// </summary>
internal sealed class EgressRig : IAsyncDisposable
{
    private static int s_addresses = Environment.ProcessId * 64;

    private readonly List<IDisposable> _owned = [];

    private EgressRig(TestGate gate, ResolverStub resolver) => (Gate, Resolver) = (gate, resolver);

    public TestGate Gate { get; }

    public ResolverStub Resolver { get; }

    public LogSinkStub Sink => Gate.Sink;

    /// <summary>Where the agent finds the explicit proxy of the session that was opened last.</summary>
    public IPEndPoint Proxy { get; private set; } = new(IPAddress.None, 0);

    public TestLease Lease { get; private set; } = null!;

    /// <param name="settings">Options of the gate, without their section.</param>
    public static Task<EgressRig> StartAsync(params (string Key, string Value)[] settings) => StartAsync(null, settings);

    /// <inheritdoc cref="StartAsync(ValueTuple{string, string}[])"/>
    /// <param name="recorder">In place of the real one.</param>
    public static async Task<EgressRig> StartAsync(EventRecorder? recorder, params (string Key, string Value)[] settings)
    {
        var resolver = await ResolverStub.StartAsync();
        try
        {
            return new EgressRig(await StartGateAsync(resolver, recorder, settings), resolver);
        }
        catch
        {
            await resolver.DisposeAsync();
            throw;
        }
    }

    private static Task<TestGate> StartGateAsync(ResolverStub resolver, EventRecorder? recorder, (string Key, string Value)[] settings) =>
        TestGate.StartAsync<EgressGate>("egress", Boundary.Egress, builder =>
        {
            builder.Configuration["Egress:Resolver"] = resolver.Uri.AbsoluteUri;
            foreach (var (key, value) in settings)
                builder.Configuration["Egress:" + key] = value;
            builder.AddEgress();
            if (recorder is not null)
                builder.Services.AddSingleton(recorder);
        }, app => app.UseEgress());

    /// <summary>Opens a session with an explicit proxy, and a socket for each of these endpoints.</summary>
    /// <param name="allow">Lines of egress.allow.</param>
    /// <param name="dialled">What the agent will dial.</param>
    public async Task OpenAsync(string allow, params IPEndPoint[] dialled)
    {
        Proxy = new IPEndPoint(NewAddress(), 3128);
        var transparent = dialled.Select(each => Listen(SocketPurpose.Transparent, each));
        await OpenAsync(allow, [Listen(SocketPurpose.ExplicitProxy, Proxy), .. transparent]);
    }

    public async Task OpenAsync(string allow, SessionSocket[] sockets)
    {
        var rules = allow.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var lines = string.Join('\n', rules.Select(rule => "    - " + rule));
        Lease = await Gate.OpenSessionAsync($"version: 1\nagent: {{ command: [sh] }}\negress:\n  allow:\n{lines}\n", sockets);
        _owned.Add(Lease);
    }

    /// <summary>An endpoint that stands for a name.</summary>
    public IPEndPoint Dialled(string? name, int port)
    {
        var address = NewAddress();
        if (name is not null)
            Resolver.Names[address.ToString()] = name;
        return new IPEndPoint(address, port);
    }

    public static SessionSocket Listen(SocketPurpose purpose, IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(endPoint);
        socket.Listen(512);
        return new SessionSocket(new SocketDescription(purpose, endPoint.Port, endPoint.AddressFamily == AddressFamily.InterNetworkV6), socket);
    }

    /// <summary>An address of loopback that nobody else uses.</summary>
    public static IPAddress NewAddress()
    {
        var number = Interlocked.Increment(ref s_addresses);
        return new IPAddress([127, (byte)(64 + (number >> 16) % 128), (byte)(number >> 8), (byte)number]);
    }

    /// <summary>A connection to the explicit proxy.</summary>
    public Task<RawConnection> ConnectToProxyAsync() => ConnectAsync(Proxy);

    public async Task<RawConnection> ConnectAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var connection = new RawConnection(socket);
        try
        {
            await socket.ConnectAsync(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            connection.WasReset = true; // Accepted and reset before this thread came round to look.
        }

        _owned.Add(connection);
        return connection;
    }

    /// <summary>The next event that is as asked for; it comes by way of a queue, a spool and HTTP.</summary>
    public Task<BoundaryEvent> EventAsync(string action, string subject) =>
        Sink.WaitForAsync(each => each.Action == action && each.Subject == subject);

    public async ValueTask DisposeAsync()
    {
        foreach (var each in _owned)
            each.Dispose();
        await Gate.DisposeAsync();
        await Resolver.DisposeAsync();
    }
}
