using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>An origin that answers every request with the request itself, where HTTP wants a header.</summary>
internal sealed class EchoingOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _serving;

    public EchoingOrigin()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var connection = await _listener.AcceptSocketAsync();
                var buffer = new byte[16 * 1024];
                var count = await connection.ReceiveAsync(buffer);
                var request = Encoding.ASCII.GetString(buffer, 0, count).ReplaceLineEndings(" ").Replace(':', ' ');
                await connection.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{request}\r\n\r\n"));
            }
        }
        catch (SocketException)
        {
            // Stopped.
        }
    }
}
