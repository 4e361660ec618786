using System.Net;
using Gatehouse.EgressProxy.Tap;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.EgressProxy.Tests.Tap;

public sealed class PacketRecordTests : IDisposable
{
    private static readonly IPAddress s_somewhere = IPAddress.Parse("1.2.3.4");
    private static readonly SeenPacket s_quic = new("udp", s_somewhere, 443);

    private readonly FakeTimeProvider _time = new();
    private readonly MemoryRecorder _recorder = new(Boundary.Egress);
    private readonly TestSession _session = TestSession.Create("version: 1\nagent: { command: [sh] }\n");

    [Fact]
    public void First_IsRecordedAtOnce_RepeatsAsACountWhenTheWindowIsOver()
    {
        var record = Record();
        for (var i = 0; i < 5; i++)
            record.Add(s_quic);
        Assert.Single(_recorder.Events);

        _time.Advance(PacketRecord.Window);
        record.Add(new SeenPacket("icmp", s_somewhere, 0));

        Assert.Equal(["udp 1.2.3.4:443", "udp 1.2.3.4:443", "icmp 1.2.3.4"], _recorder.Events.Select(each => each.Subject));
        Assert.Equal("4", _recorder.Events.ElementAt(1).Detail!["repeats"]);
        Assert.All(_recorder.Events, each => Assert.False(string.IsNullOrEmpty(each.Reason)));
    }

    [Fact]
    public void AfterTheWindow_TheSameIsNewsAgain()
    {
        var record = Record();
        record.Add(s_quic);
        record.Flush();
        Assert.False(record.IsPending);
        record.Add(s_quic);

        Assert.Equal(2, _recorder.Events.Count);
        Assert.All(_recorder.Events, each => Assert.DoesNotContain("repeats", each.Detail!.Keys));
    }

    [Fact]
    public void PortScan_IsBounded_AndItsRestCounted()
    {
        var record = Record(perSecond: 500);
        for (var port = 1; port <= 65535; port++)
            record.Add(new SeenPacket("tcp", s_somewhere, port));
        _time.Advance(TimeSpan.FromSeconds(1));
        record.Add(s_quic);

        // 53, 80 and 443 are answered by gates.
        Assert.Equal(502, _recorder.Events.Count);
        Assert.Equal((65535 - 3 - 500).ToString(System.Globalization.CultureInfo.InvariantCulture), _recorder.Events.ElementAt(500).Detail!["count"]);
        Assert.Equal("udp 1.2.3.4:443", _recorder.Events.Last().Subject);
    }

    [Fact]
    public void ManyRepeats_AtTheEndOfAWindow_AreBoundedToo()
    {
        var record = Record(perSecond: 10);
        for (var second = 0; second < 5; second++)
        {
            for (var port = 0; port < 10; port++)
            {
                record.Add(new SeenPacket("udp", s_somewhere, 1000 + second * 10 + port));
                record.Add(new SeenPacket("udp", s_somewhere, 1000 + second * 10 + port));
            }

            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var before = _recorder.Events.Count;
        record.AddUnread(0);
        record.Flush();

        Assert.Equal(50, before);
        Assert.Equal(50 + 10 + 1, _recorder.Events.Count);
        Assert.Equal("40", _recorder.Events.Last().Detail!["count"]);
    }

    [Fact]
    public void Dropped_AreCounted()
    {
        var record = Record();
        record.AddUnread(7);
        Assert.True(record.IsPending);
        record.Flush();

        Assert.Equal("7 more packets", Assert.Single(_recorder.Events).Subject);
    }

    [Fact]
    public void Syn_ToAPortWithAGate_IsNotTheTapsToRecord()
    {
        Record().Add(new SeenPacket("tcp", s_somewhere, 443));

        Assert.Empty(_recorder.Events);
    }

    /// <summary>A port that no rule names: whose it would have been is what a person needs to read.</summary>
    [Fact]
    public void Syn_ToAGateAddress_IsRecordedWithItsName()
    {
        var asked = 0;
        var record = new PacketRecord(_session.Session, _recorder, Packet.Answered, 2, _time, _ => $"name{++asked}.test");
        record.Add(new SeenPacket("tcp", IPAddress.Parse("198.18.0.2"), 8443));
        record.Add(new SeenPacket("udp", IPAddress.Parse("198.18.0.2"), 8443));
        record.Add(new SeenPacket("tcp", IPAddress.Parse("198.18.0.3"), 8443));

        Assert.Equal("name1.test", _recorder.Events.First().Detail!["name"]);
        Assert.DoesNotContain("name", _recorder.Events.Last().Detail!.Keys);
        // What is only counted costs no question.
        Assert.Equal(1, asked);
    }

    public void Dispose() => _session.Dispose();

    private PacketRecord Record(int perSecond = 500) => new(_session.Session, _recorder, Packet.Answered, perSecond, _time);
}
