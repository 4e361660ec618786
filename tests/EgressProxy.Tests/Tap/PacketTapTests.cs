using System.Net.Sockets;
using Gatehouse.EgressProxy.Tap;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.EgressProxy.Tests.Tap;

/// <summary>
/// The reading thread, on a socket that needs no privilege: a datagram socket whose peer's address has, where a packet socket's has the packet
/// type, the byte for "outgoing". Real packet sockets are tried in the topology tests.
/// </summary>
public sealed class PacketTapTests : IDisposable
{
    private const char Outgoing = '\u0004';

    private readonly MemoryRecorder _recorder = new(Boundary.Egress);
    private readonly TestSession _session = TestSession.Create("version: 1\nagent: { command: [sh] }\n");
    private readonly Socket _tap = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint _address = new($"\0tap-{Guid.NewGuid()}");

    public PacketTapTests() => _tap.Bind(_address);

    [Fact]
    public async Task Outgoing_IsRecorded_IncomingIsItsEcho()
    {
        await using var tap = Start();
        using var incoming = Sender('\u0000');
        using var outgoing = Sender(Outgoing);

        incoming.Send(Packet.IPv4("9.9.9.9", 17, Packet.Udp(1, 443)));
        outgoing.Send(Packet.IPv4("1.2.3.4", 17, Packet.Udp(1, 443)));
        outgoing.Send("nonsense"u8);
        outgoing.Send(Array.Empty<byte>());
        outgoing.Send(Packet.IPv4("1.2.3.4", 6, Packet.Tcp(22, 2)));
        await _recorder.WaitForAsync(each => each.Subject == "tcp 1.2.3.4:22");

        Assert.Equal(["udp 1.2.3.4:443", "tcp 1.2.3.4:22"], _recorder.Events.Select(each => each.Subject));
    }

    [Fact]
    public async Task End_ReadsWhatIsThere_AndTellsTheRepeats_Twice_DoesNoHarm()
    {
        var tap = Start();
        using var outgoing = Sender(Outgoing);
        for (var i = 0; i < 5; i++)
            outgoing.Send(Packet.IPv4("1.2.3.4", 17, Packet.Udp(1, 443)));

        await tap.DisposeAsync().AsTask().WaitAsync(Eventually.Bound);
        await tap.DisposeAsync().AsTask().WaitAsync(Eventually.Bound);

        Assert.Equal(2, _recorder.Events.Count);
        Assert.Equal("4", _recorder.Events.Last().Detail!["repeats"]);
    }

    [Fact]
    public async Task Flood_DoesNotKeepItFromEnding()
    {
        var tap = Start();
        using var outgoing = Sender(Outgoing);
        var flood = Task.Run(() =>
        {
            var packet = Packet.IPv4("1.2.3.4", 17, Packet.Udp(1, 443));
            try
            {
                while (true)
                    outgoing.Send(packet);
            }
            catch (SocketException)
            {
                // Nobody is there any more.
            }
        });
        await _recorder.WaitForAsync(_ => true);

        await tap.DisposeAsync().AsTask().WaitAsync(Eventually.Bound);
        _tap.Dispose();
        await flood.WaitAsync(Eventually.Bound);
    }

    public void Dispose()
    {
        _tap.Dispose();
        _session.Dispose();
    }

    private PacketTap Start() => new(
        new SessionSocket(new SocketDescription(SocketPurpose.Tap, 0, false), _tap),
        new PacketRecord(_session.Session, _recorder, Packet.Answered, 500, TimeProvider.System), _session.Session.Id);

    /// <summary>struct sockaddr_un: family(2), path; struct sockaddr_ll has pkttype at 10.</summary>
    private Socket Sender(char type)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"\0{Guid.NewGuid().ToString("N")[..7]}{type}x"));
        socket.Connect(_address);
        return socket;
    }
}
