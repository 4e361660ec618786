using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Publishing;

/// <summary>
/// Ports of the host that lead to servers inside. Each connection is made by a socket of the agent's own namespace, and recorded with what it carried;
/// nothing inside can open one, and nothing but the named port is reached.
/// </summary>
internal sealed class PublishedPorts : IDisposable
{
    /// <summary>At one time and port; a browser opens some ten.</summary>
    private const int MaxConnections = 256;

    private readonly List<Socket> _listeners = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly AgentEnclosure _enclosure;
    private readonly SessionEvents _events;
    private readonly string _session, _traceId;

    private PublishedPorts(AgentEnclosure enclosure, SessionEvents events, string session, string traceId) =>
        (_enclosure, _events, _session, _traceId) = (enclosure, events, session, traceId);

    /// <exception cref="LaunchException">A port of the host is taken, or not this user's to take.</exception>
    public static PublishedPorts Open(ImmutableArray<PublishedPort> ports, AgentEnclosure enclosure, SessionEvents events, string session, string traceId)
    {
        var published = new PublishedPorts(enclosure, events, session, traceId);
        try
        {
            foreach (var port in ports)
            {
                var listener = new Socket(port.Host.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
                published._listeners.Add(listener);
                try
                {
                    listener.Bind(port.Host);
                    listener.Listen(128);
                }
                catch (SocketException e)
                {
                    throw new LaunchException(ExitCodes.Unavailable, $"agent.publish: {port.Host} on the host can not be taken ({e.Message}): is something listening there? Choose another port", e);
                }

                _ = published.AcceptAsync(listener, port);
            }

            return published;
        }
        catch
        {
            published.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _ended.Cancel();
        _listeners.ForEach(listener => listener.Dispose());
        _listeners.Clear();
    }

    private async Task AcceptAsync(Socket listener, PublishedPort port)
    {
        using var free = new SemaphoreSlim(MaxConnections);
        try
        {
            while (!_ended.IsCancellationRequested)
            {
                await free.WaitAsync(_ended.Token);
                var connection = await listener.AcceptAsync(_ended.Token);
                _ = Task.Run(async () =>
                {
                    try
                    {
                        await ServeAsync(connection, port);
                    }
                    finally
                    {
                        connection.Dispose();
                        if (!_ended.IsCancellationRequested)
                            free.Release();
                    }
                });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The session has ended.
        }
    }

    private async Task ServeAsync(Socket outside, PublishedPort port)
    {
        var since = TimeProvider.System.GetTimestamp();
        var subject = string.Create(CultureInfo.InvariantCulture, $"{port.Host} to {port.Inside}");
        var opened = _events.Create(_session, _traceId, Boundary.Sandbox, "publish.connect", subject, ("peer", outside.RemoteEndPoint?.ToString()));
        // What can not be recorded does not happen.
        if (!await _events.RecordAsync(opened))
            return;
        long sent = 0, received = 0;
        string? failure = null;
        try
        {
            using var inside = await ConnectAsync(port.Inside);
            outside.NoDelay = inside.NoDelay = true;
            (received, sent) = await Relay.RunAsync(outside, inside, _ended.Token);
        }
        catch (Exception e) when (e is SocketException or EnclosureException or OperationCanceledException or ObjectDisposedException)
        {
            failure = e.Message;
        }

        await _events.RecordAsync(_events.Create(_session, _traceId, Boundary.Sandbox, "publish.end", subject, ("attempt", opened.Id.ToString()), ("failure", failure)) with
        {
            BytesSent = sent,
            BytesReceived = received,
            DurationMs = (long)TimeProvider.System.GetElapsedTime(since).TotalMilliseconds,
        });
    }

    // A server listens on one loopback address or the other, or on all.
    private async Task<Socket> ConnectAsync(int port)
    {
        try
        {
            return await ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return await ConnectAsync(new IPEndPoint(IPAddress.IPv6Loopback, port));
        }
    }

    private async Task<Socket> ConnectAsync(IPEndPoint server)
    {
        var socket = new Socket(new SafeSocketHandle(_enclosure.CreateSocket(server.AddressFamily == AddressFamily.InterNetworkV6), ownsHandle: true));
        try
        {
            await socket.ConnectAsync(server, _ended.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
