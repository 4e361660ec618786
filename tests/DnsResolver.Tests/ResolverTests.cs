using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.DnsResolver.Sessions;
using Gatehouse.DnsResolver.Wire;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.DnsResolver.Tests;

public sealed class ResolverTests : IDisposable
{
    private const string Yaml = "version: 1\negress:\n  allow:\n    - host: allowed.test\n    - host: \"*.wild.test\"\n";
    private readonly MemoryRecorder _recorder = new(Boundary.Dns);
    private readonly TestSession _session = TestSession.Create(Yaml);
    private readonly SessionResolver _resolver;

    public ResolverTests() => _resolver = new(_session.Session, new GateAddressTable(), new AttemptLog(_session.Session, _recorder, TimeProvider.System));

    public void Dispose() => _session.Dispose();

    [Theory]
    [InlineData("allowed.test", 1, 0, "198.18.0.2")]
    [InlineData("ALLOWED.test", 1, 0, "198.18.0.2")]
    [InlineData("allowed.test", 28, 0, null)]        // AAAA: NODATA, no detour by IPv6
    [InlineData("allowed.test", 65, 0, null)]        // HTTPS: NODATA, no ECH keys
    [InlineData("a.b.wild.test", 1, 0, "198.18.0.2")]
    [InlineData("wild.test", 1, 5, null)]
    [InlineData("evil-wild.test", 1, 5, null)]
    [InlineData("allowed.test.evil.test", 1, 5, null)]
    [InlineData("blocked.test", 16, 5, null)]
    [InlineData("secrets.gatehouse", 1, 0, "198.18.0.1")]
    [InlineData("other.gatehouse", 1, 5, null)]
    [InlineData("localhost", 1, 0, "127.0.0.1")]
    [InlineData("use-application-dns.net", 1, 3, null)]
    [InlineData("1.1.1.1.in-addr.arpa", 12, 5, null)]
    [InlineData("allowed.test", 252, 5, null)]       // AXFR
    public void Question_EachKind_IsAnsweredAsTheTableSays(string name, ushort type, int code, string? address)
    {
        var reply = Ask(Query(name, type));
        Assert.Equal(code, reply[3] & 0xf);
        Assert.Equal(address is null ? 0 : 1, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)));
        if (address is not null)
            Assert.True(reply.AsSpan().IndexOf(IPAddress.Parse(address).GetAddressBytes()) > 0);
        Assert.Single(_recorder.Events);
        Assert.Equal(code == 0, Assert.Single(_recorder.Decisions).IsAllowed);
    }

    [Fact]
    public void Question_Denied_CarriesTheExtendedErrorBlocked()
    {
        var reply = Ask(Query("blocked.test", 1));
        // OPTION-CODE 15, INFO-CODE 15 (RFC 8914)
        Assert.True(reply.AsSpan().IndexOf((byte[])[0, 15, 0, (byte)(2 + "not in gatehouse.yaml".Length), 0, 15]) > 0);
    }

    [Fact]
    public void Question_Reverse_NamesTheGateAddress()
    {
        Ask(Query("allowed.test", 1));
        Assert.Contains("allowed", Encoding.ASCII.GetString(Ask(Query("2.0.18.198.in-addr.arpa", 12))), StringComparison.Ordinal);
    }

    [Fact]
    public void Question_WhenNothingCanBeRecorded_FailsAndNamesNoAddress()
    {
        _recorder.IsUnavailable = true;
        var reply = Ask(Query("allowed.test", 1));
        Assert.Equal(2, reply[3] & 0xf);
        Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)));
        Assert.Null(_resolver.Table.Find(IPAddress.Parse("198.18.0.2")));
    }

    [Fact]
    public void Questions_BeyondTheBoundOfASecond_AreCountedAndAllowedOnesRefused()
    {
        for (var i = 0; i < AttemptLog.MaxPerSecond + 50; i++)
            Ask(Query($"x{i}.exfil.test", 16));
        Assert.InRange(_recorder.Events.Count, AttemptLog.MaxPerSecond, AttemptLog.MaxPerSecond + 50);
    }

    [Fact]
    public void Table_Full_RefusesNewNamesAndKeepsTheOld()
    {
        var table = new GateAddressTable();
        for (var i = 0; i < GateAddressTable.Capacity; i++)
            Assert.NotNull(table.GetOrAdd(Name($"n{i}.wild.test")));
        Assert.Null(table.GetOrAdd(Name("one-more.wild.test")));
        Assert.Equal("n0.wild.test", table.Find(table.GetOrAdd(Name("n0.wild.test"))!)!.Value.Value);
    }

    [Fact]
    public void Message_EveryPrefixAndEveryFlippedByte_IsAnsweredWithinBoundsOrNotAtAll()
    {
        var whole = Query("some.long.name.allowed.test", 1);
        var reply = new byte[ReplyWriter.MaxReply];
        for (var length = 0; length <= whole.Length; length++)
            Assert.InRange(_resolver.Answer(whole.AsSpan(0, length), reply, isStream: false), 0, ReplyWriter.MaxReply);
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var value in new byte[] { 0, 1, 63, 64, 0xc0, 0xff })
            {
                var changed = whole.ToArray();
                changed[at] = value;
                Assert.InRange(_resolver.Answer(changed, reply, isStream: false), 0, ReplyWriter.MaxReply);
            }
        }
    }

    [Theory]
    [InlineData("0000 8000 0001 0000 0000 0000 00 0001 0001", -1)]                     // an answer
    [InlineData("0000 2800 0001 0000 0000 0000 00 0001 0001", 4)]                      // opcode UPDATE
    [InlineData("0000 0000 0002 0000 0000 0000 00 0001 0001", 1)]                      // two questions
    [InlineData("0000 0000 0001 0000 0000 0000 c00c 0001 0001", 1)]                    // a pointer at itself
    [InlineData("0000 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 0001 0000 0000", 0x10 & 0xf)] // EDNS version 1: BADVERS
    [InlineData("0000 0000 0001 0000 0000 0000 00 0001 0001 ff", 1)]                   // something behind the question
    public void Message_Malformed_GetsItsCode(string hex, int code)
    {
        var message = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var reply = new byte[ReplyWriter.MaxReply];
        var length = _resolver.Answer(message, reply, isStream: false);
        if (code < 0)
            Assert.Equal(0, length);
        else
            Assert.Equal(code, reply[3] & 0xf);
    }

    [Theory]
    [InlineData("+short", "allowed.test", "198.18.0.2")]
    [InlineData("+short +tcp", "allowed.test", "198.18.0.2")]
    [InlineData("+short +noedns", "allowed.test", "198.18.0.2")]
    [InlineData("", "blocked.test", "status: REFUSED")]
    [InlineData("", "blocked.test", "EDE: 15 (Blocked)")]
    [InlineData("+tcp", "blocked.test", "status: REFUSED")]
    public async Task Dig_OverRealSockets_IsAnswered(string options, string name, string expected)
    {
        var tcp = TestSockets.Listen(SocketPurpose.DnsTcp);
        var udp = Bound(tcp.EndPoint());
        using var session = TestSession.Create(Yaml, udp, tcp);
        var gate = new DnsGate(_recorder, TimeProvider.System, NullLogger<DnsGate>.Instance);
        await using var serving = await gate.OpenAsync(session.Session, CancellationToken.None);
        var start = new ProcessStartInfo("dig", [$"@{tcp.EndPoint().Address}", "-p", $"{tcp.EndPoint().Port}", "+time=2", "+tries=1", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), name]) { RedirectStandardOutput = true };
        using var dig = Process.Start(start)!;
        var output = await dig.StandardOutput.ReadToEndAsync();
        session.End();
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    /// <summary>The egress gate reads what was dialled last when the session is over.</summary>
    [Fact]
    public async Task Names_OfASessionThatEnded_AreKnownForAMoment()
    {
        var time = new FakeTimeProvider();
        using var session = TestSession.Create(Yaml);
        var gate = new DnsGate(_recorder, time, NullLogger<DnsGate>.Instance);
        var serving = await gate.OpenAsync(session.Session, CancellationToken.None);
        var id = session.Session.Id.Value;
        var address = gate.FindTable(id)!.GetOrAdd(Name("allowed.test"))!;
        await serving.DisposeAsync();

        Assert.Null(gate.Find(id));
        Assert.Equal("allowed.test", gate.FindTable(id)?.Find(address)?.Value);
        time.Advance(TimeSpan.FromSeconds(16));
        await Eventually.TrueAsync(() => gate.FindTable(id) is null);
    }

    private static SessionSocket Bound(IPEndPoint like)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        socket.Bind(like);
        return new(new(SocketPurpose.DnsUdp, like.Port, false), socket);
    }

    private byte[] Ask(byte[] query)
    {
        var reply = new byte[ReplyWriter.MaxReply];
        var length = _resolver.Answer(query, reply, isStream: false);
        return reply[..length];
    }

    private static Gatehouse.Policy.Names.DomainName Name(string text) =>
        Gatehouse.Policy.Names.DomainName.TryParse(text, out var name) ? name : throw new ArgumentException(text);

    // Header, one question, and an OPT record of 1,232 octets.
    private static byte[] Query(string name, ushort type)
    {
        var bytes = new List<byte> { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
        foreach (var label in name.Split('.'))
            bytes.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        bytes.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
        return [.. bytes];
    }
}
