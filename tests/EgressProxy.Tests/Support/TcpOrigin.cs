using System.Net;
using System.Net.Sockets;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>A TCP server that does with each connection what the test says.</summary>
internal sealed class TcpOrigin : IDisposable
{
    private readonly Socket _listener;
    private int _connections;

    private TcpOrigin(IPEndPoint endPoint, Func<Socket, Task> serve)
    {
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(endPoint);
        _listener.Listen(512);
        _ = AcceptAsync(serve);
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public int Connections => Volatile.Read(ref _connections);

    public static TcpOrigin Start(Func<Socket, Task> serve, IPEndPoint? endPoint = null) =>
        new(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0), serve);

    /// <summary>Sends back what comes, and its half-close.</summary>
    public static TcpOrigin Echo(IPEndPoint? endPoint = null) => Start(async socket =>
    {
        var buffer = new byte[64 * 1024];
        for (int count; (count = await socket.ReceiveAsync(buffer)) > 0;)
            await socket.SendAsync(buffer.AsMemory(0, count));
        socket.Shutdown(SocketShutdown.Send);
    }, endPoint);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync(Func<Socket, Task> serve)
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(socket, serve);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task ServeAsync(Socket socket, Func<Socket, Task> serve)
    {
        using (socket)
        {
            try
            {
                await serve(socket);
            }
            catch (SocketException)
            {
                // Its client went away.
            }
        }
    }
}
