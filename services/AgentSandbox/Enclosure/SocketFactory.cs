using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.Gate.Handover;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// Makes a session's sockets in the network namespace this process is in. Every one is close-on-exec: the program that this process
/// becomes must not have them, or a dead gate's door would stay open.
/// </summary>
internal static unsafe class SocketFactory
{
    /// <summary>Gatehouse's own address inside an enclosure: explicit proxy and secrets gateway (198.18.0.0/15 is for benchmarks, RFC 2544).</summary>
    public static readonly IPAddress GateAddress = IPAddress.Parse("198.18.0.1");

    /// <summary>Connections that wait for a gate to accept; more are dropped by the kernel, as by any busy server.</summary>
    private const int Backlog = 512;

    /// <summary>In the order the result has them: everything, for both families where the kernel has both.</summary>
    public static ImmutableArray<SocketDescription> Describe(IEnumerable<int> egressPorts, bool ipv6)
    {
        var sockets = ImmutableArray.CreateBuilder<SocketDescription>();
        foreach (var isIPv6 in ipv6 ? new[] { false, true } : [false])
        {
            sockets.Add(new(SocketPurpose.DnsUdp, 53, isIPv6));
            sockets.Add(new(SocketPurpose.DnsTcp, 53, isIPv6));
            foreach (var port in egressPorts.Union([80, 443]).Order())
                sockets.Add(new(SocketPurpose.Transparent, port, isIPv6));
        }

        sockets.Add(new(SocketPurpose.ExplicitProxy, 3128, false));
        sockets.Add(new(SocketPurpose.Secrets, 80, false));
        sockets.Add(new(SocketPurpose.Tap, 0, false));
        return sockets.ToImmutable();
    }

    public static int Create(SocketDescription description) => description.Purpose switch
    {
        SocketPurpose.DnsUdp => Datagram(description),
        SocketPurpose.Tap => Tap(),
        SocketPurpose.DnsTcp or SocketPurpose.Transparent =>
            Listener(description, description.IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any),
        SocketPurpose.ExplicitProxy or SocketPurpose.Secrets => Listener(description, GateAddress),
        _ => throw new ArgumentOutOfRangeException(nameof(description)),
    };

    private static int Datagram(SocketDescription description)
    {
        var fd = Open(description, LibC.SOCK_DGRAM);
        // The answer must leave from the address that was asked: the gate learns it from ancillary data.
        if (description.IsIPv6)
            Set(fd, LibC.IPPROTO_IPV6, LibC.IPV6_RECVPKTINFO, 1);
        else
            Set(fd, LibC.IPPROTO_IP, LibC.IP_PKTINFO, 1);
        Bind(fd, description, description.IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any);
        return fd;
    }

    private static int Listener(SocketDescription description, IPAddress address)
    {
        var fd = Open(description, LibC.SOCK_STREAM);
        Set(fd, LibC.SOL_SOCKET, LibC.SO_REUSEADDR, 1);
        // 198.18.0.1:80 and 0.0.0.0:80 both listen, and the more specific one wins; Linux wants SO_REUSEPORT for that. The agent can
        // not join in: port 80 is privileged in this namespace (net.ipv4.ip_unprivileged_port_start).
        if (description is { Port: 80, IsIPv6: false })
            Set(fd, LibC.SOL_SOCKET, LibC.SO_REUSEPORT, 1);
        Bind(fd, description, address);
        Check(LibC.listen(fd, Backlog), $"listen on {address}:{description.Port}");
        return fd;
    }

    private static int Open(SocketDescription description, int type)
    {
        var family = description.IsIPv6 ? LibC.AF_INET6 : LibC.AF_INET;
        var fd = Check(LibC.socket(family, type | LibC.SOCK_CLOEXEC, 0), $"make a socket for {description.Purpose}");
        if (description.IsIPv6)
            Set(fd, LibC.IPPROTO_IPV6, LibC.IPV6_V6ONLY, 1);
        return fd;
    }

    private static int Tap()
    {
        // Protocol 0 until the filter is attached: no unfiltered packet is ever queued. ETH_P_ALL then comes with bind.
        var fd = Check(LibC.socket(LibC.AF_PACKET, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC, 0), "open the packet tap");
        var filter = TapFilter.Assemble();
        fixed (byte* instructions = filter)
        {
            // struct sock_fprog: len(2), padding to a pointer, pointer
            var program = stackalloc byte[16];
            *(ushort*)program = (ushort)(filter.Length / 8);
            *(byte**)(program + 8) = instructions;
            Check(LibC.setsockopt(fd, LibC.SOL_SOCKET, LibC.SO_ATTACH_FILTER, program, 16), "filter the packet tap");
        }

        // struct sockaddr_ll: family(2), protocol(2, network order), ifindex(4), hatype(2), pkttype, halen, addr(8)
        var address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = LibC.AF_PACKET;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), 0x0003);
        *(int*)(address + 4) = 1;
        Check(LibC.bind(fd, address, 20), "bind the packet tap to lo");
        return fd;
    }

    private static void Bind(int fd, SocketDescription description, IPAddress address)
    {
        var endPoint = new IPEndPoint(address, description.Port).Serialize();
        fixed (byte* data = endPoint.Buffer.Span)
            Check(LibC.bind(fd, data, (uint)endPoint.Size), $"bind {address}:{description.Port}");
    }

    private static void Set(int fd, int level, int name, int value) =>
        Check(LibC.setsockopt(fd, level, name, &value, sizeof(int)), "set a socket option");
}
