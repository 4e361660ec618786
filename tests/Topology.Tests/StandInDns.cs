using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.Topology.Tests;

/// <summary>A name server on loopback that gives one address for every name, and remembers who was asked about.</summary>
internal sealed class StandInDns : IDisposable
{
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly byte[] _address;

    public StandInDns(IPAddress address)
    {
        _address = address.GetAddressBytes();
        _ = RunAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.Client.LocalEndPoint!;

    public ConcurrentBag<string> Asked { get; } = [];

    public void Dispose() => _socket.Dispose();

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var question = await _socket.ReceiveAsync();
                await _socket.SendAsync(Answer(question.Buffer), question.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The ordinary end.
        }
    }

    // RFC 1035 §4: header, the question again, and for A one answer that points back at its name.
    private byte[] Answer(byte[] question)
    {
        var end = 12;
        var name = new StringBuilder();
        for (; question[end] != 0; end += question[end] + 1)
            name.Append(Encoding.ASCII.GetString(question, end + 1, question[end])).Append('.');
        end += 5;
        Asked.Add(name.ToString().TrimEnd('.'));
        var isForAddress = question[end - 3] == 1;
        byte[] head = [question[0], question[1], 0x81, 0x80, 0, 1, 0, (byte)(isForAddress ? 1 : 0), 0, 0, 0, 0];
        byte[] answer = isForAddress ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, .. _address] : [];
        return [.. head, .. question[12..end], .. answer];
    }
}
