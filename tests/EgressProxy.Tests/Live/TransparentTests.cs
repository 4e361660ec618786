using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.EgressProxy.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.TestKit;

namespace Gatehouse.EgressProxy.Tests.Live;

/// <summary>Programs that know of no proxy: what they dial arrives here.</summary>
public sealed class TransparentTests : IAsyncLifetime
{
    private const string Alert = "\x15\x03\x03\0\x02\x02\x31";

    private readonly TestCertificates _certificates = new();
    private readonly TcpOrigin _echo = TcpOrigin.Echo();

    private TestOrigin _tls = null!;
    private EgressRig _rig = null!;
    private IPEndPoint _allowed = null!, _evil = null!, _stranger = null!, _resolved = null!;
    private IPEndPoint _ssh = null!, _sshStranger = null!, _ipv6 = null!;

    public async Task InitializeAsync()
    {
        _tls = await TestOrigin.StartAsync(_certificates.CreateLeaf("allowed.test"));
        _rig = await EgressRig.StartAsync(("HeadTimeout", "00:00:01"));
        _allowed = _rig.Dialled("allowed.test", 443);
        _evil = _rig.Dialled("evil.test", 443);
        _stranger = _rig.Dialled(null, 443);
        _resolved = _rig.Dialled("resolved.test", 443);
        _ssh = _rig.Dialled("ssh.test", 2222);
        _sshStranger = _rig.Dialled(null, 2222);
        var listener6 = EgressRig.Listen(Gate.Handover.SocketPurpose.Transparent, FreePort(IPAddress.IPv6Loopback));
        _ipv6 = new IPEndPoint(IPAddress.IPv6Loopback, listener6.Description.Port);
        var sockets = new[] { _allowed, _evil, _stranger, _resolved, _ssh, _sshStranger }
            .Select(each => EgressRig.Listen(Gate.Handover.SocketPurpose.Transparent, each));
        await _rig.OpenAsync($$"""
            { host: allowed.test, connect: "{{_tls.EndPoint}}" }
            { host: resolved.test }
            { host: ssh.test, ports: [2222], connect: "{{_echo.EndPoint}}" }
            { address: 127.63.0.0/16, ports: [443] }
            """, [.. sockets, listener6]);
    }

    [Fact]
    public async Task Tls_ForTheNameDialled_IsTunnelled()
    {
        using var connection = await _rig.ConnectAsync(_allowed);
        await using var tls = await connection.SecureAsync("allowed.test", _certificates.Authority);
        await tls.WriteAsync("GET /hello HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(tls);

        Assert.Contains("GET /hello", await reader.ReadToEndAsync().WaitAsync(Eventually.Bound), StringComparison.Ordinal);
        var allowed = await _rig.EventAsync("connect", "allowed.test:443");
        Assert.Equal(("transparent-tls", _allowed.ToString()), (allowed.Detail!["via"], allowed.Detail["dialled"]));
        Assert.Equal("allowed.test", allowed.Detail["serverName"]);
        connection.Dispose();
        Assert.Equal(allowed.Id, (await _rig.EventAsync("connect.end", "allowed.test:443")).Attempt);
    }

    [Fact]
    public async Task Tls_InCrumbs_IsTunnelledWhole()
    {
        var name = _rig.Dialled("crumbs.test", 443);
        await _rig.OpenAsync($$"""{ host: crumbs.test, connect: "{{_echo.EndPoint}}" }""", name);
        var hello = HelloBytes.Fragment(HelloBytes.Message((0, HelloBytes.NameList((0, "crumbs.test"u8.ToArray())))), 9);
        using var connection = await _rig.ConnectAsync(name);
        foreach (var crumb in hello.Chunk(4))
            await connection.SendAsync(crumb);
        await connection.SendAsync("early data");

        Assert.Equal(Encoding.Latin1.GetString(hello) + "early data", await connection.ReadExactlyAsync(hello.Length + 10));
    }

    [Theory]
    [InlineData("other.test", "names-disagree")]
    [InlineData("evil.test", "names-disagree")]
    [InlineData(null, "no-server-name")]
    public async Task Tls_ForAnotherName_IsRefusedWithAnAlert(string? serverName, string word)
    {
        using var connection = await _rig.ConnectAsync(_allowed);
        await connection.SendAsync(serverName is null ? HelloBytes.Build() : HelloBytes.ForName(serverName));

        Assert.Equal(Alert, await connection.ReadToEndAsync());
        Assert.Equal(word, (await _rig.EventAsync("connect", "allowed.test:443")).Detail!["denial"]);
        Assert.Empty(_rig.Resolver.Resolved);
    }

    [Fact]
    public async Task Tls_WithEncryptedHello_IsRefused_AndTheReasonSaysHowToTurnItOff()
    {
        using var connection = await _rig.ConnectAsync(_allowed);
        await connection.SendAsync(HelloBytes.Build((0, HelloBytes.NameList((0, "allowed.test"u8.ToArray()))), (HelloBytes.EncryptedHello, [0])));

        Assert.Equal(Alert, await connection.ReadToEndAsync());
        Assert.Contains("Encrypted Client Hello", (await _rig.EventAsync("connect", "allowed.test:443")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NameThatIsNotAllowed_IsDenied_AndNotResolved()
    {
        using var connection = await _rig.ConnectAsync(_evil);
        await connection.SendAsync(HelloBytes.ForName("evil.test"));

        Assert.Equal(Alert, await connection.ReadToEndAsync());
        Assert.Equal("name-not-allowed", (await _rig.EventAsync("connect", "evil.test:443")).Detail!["denial"]);
        Assert.Empty(_rig.Resolver.Resolved);
    }

    [Fact]
    public async Task RawAddress_IsDenied_EvenWithAnAllowedServerName()
    {
        using var connection = await _rig.ConnectAsync(_stranger);
        await connection.SendAsync(HelloBytes.ForName("allowed.test"));

        Assert.Equal(Alert, await connection.ReadToEndAsync());
        Assert.Equal("raw-address", (await _rig.EventAsync("connect", _stranger.ToString())).Detail!["denial"]);
    }

    [Fact]
    public async Task RawIPv6Address_IsDenied()
    {
        using var connection = await _rig.ConnectAsync(_ipv6);

        Assert.True(await connection.IsResetAsync());
        Assert.Equal("raw-address", (await _rig.EventAsync("connect", _ipv6.ToString())).Detail!["denial"]);
    }

    [Fact]
    public async Task OtherProtocolOn443_IsReset()
    {
        using var connection = await _rig.ConnectAsync(_allowed);
        await connection.SendAsync("GET / HTTP/1.1\r\n\r\n");

        Assert.True(await connection.IsResetAsync());
        Assert.Equal("not-tls", (await _rig.EventAsync("connect", "allowed.test:443")).Detail!["denial"]);
    }

    [Fact]
    public async Task HalfAHello_IsRefusedInBoundedTime()
    {
        using var connection = await _rig.ConnectAsync(_allowed);
        await connection.SendAsync(HelloBytes.ForName("allowed.test")[..20]);

        Assert.Equal(Alert, await connection.ReadToEndAsync());
        Assert.Equal("invalid-tls", (await _rig.EventAsync("connect", "allowed.test:443")).Detail!["denial"]);
    }

    [Fact]
    public async Task OtherPort_IsRelayedByName_WhateverTheProtocol()
    {
        using var connection = await _rig.ConnectAsync(_ssh);
        await connection.SendAsync("SSH-2.0-me\r\n");

        Assert.Equal("SSH-2.0-me\r\n", await connection.ReadExactlyAsync(12));
        Assert.Equal("tcp", (await _rig.EventAsync("connect", "ssh.test:2222")).Detail!["via"]);
    }

    [Fact]
    public async Task OtherPort_OfARawAddress_IsResetAtOnce()
    {
        using var connection = await _rig.ConnectAsync(_sshStranger);

        Assert.True(await connection.IsResetAsync());
        Assert.Equal("raw-address", (await _rig.EventAsync("connect", _sshStranger.ToString())).Detail!["denial"]);
    }

    [Fact]
    public async Task ResolvedAddresses_AreTriedInTurn()
    {
        // Special-purpose, but named by a rule on this port: so may the name point there. The first refuses.
        using var origin = TcpOrigin.Echo(new IPEndPoint(IPAddress.Parse("127.63.0.7"), 443));
        _rig.Resolver.Addresses["resolved.test"] = ["127.63.0.6", "::1", "169.254.169.254", "127.63.0.7"];
        var hello = HelloBytes.ForName("resolved.test");
        using var connection = await _rig.ConnectAsync(_resolved);
        await connection.SendAsync(hello);

        Assert.Equal(hello.Length, (await connection.ReadExactlyAsync(hello.Length)).Length);
        Assert.Equal(["resolved.test"], _rig.Resolver.Resolved);
    }

    [Fact]
    public async Task Unreachable_IsAnotherAlertThanDenied()
    {
        _rig.Resolver.Addresses["resolved.test"] = ["127.63.0.6"];
        using var connection = await _rig.ConnectAsync(_resolved);
        await connection.SendAsync(HelloBytes.ForName("resolved.test"));

        Assert.Equal("\x15\x03\x03\0\x02\x02\x50", await connection.ReadToEndAsync());
        Assert.Equal("refused", (await _rig.EventAsync("connect.end", "resolved.test:443")).Detail!["outcome"]);
    }

    [Fact]
    public async Task ResolverDown_DeniesEverythingThatNeedsIt()
    {
        _rig.Resolver.IsDown = true;
        using var tls = await _rig.ConnectAsync(_allowed);
        await tls.SendAsync(HelloBytes.ForName("allowed.test"));
        using var ssh = await _rig.ConnectAsync(_ssh);

        Assert.Equal(Alert, await tls.ReadToEndAsync());
        Assert.True(await ssh.IsResetAsync());
        foreach (var dialled in new[] { _allowed, _ssh })
        {
            var denied = await _rig.EventAsync("connect", dialled.ToString());
            Assert.Equal((VerdictKind.Denied, "resolver-unavailable"), (denied.Verdict, denied.Detail!["denial"]));
        }
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _tls.DisposeAsync();
        _echo.Dispose();
        _certificates.Dispose();
    }

    private static IPEndPoint FreePort(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
