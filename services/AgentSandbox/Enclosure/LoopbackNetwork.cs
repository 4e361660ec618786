using System.Buffers.Binary;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// Makes the network namespace this process is in the agent's: <c>lo</c> up, and every address of both families local to it
/// ("AnyIP": <c>ip route add local 0.0.0.0/0 dev lo</c>, <c>::/0</c>). Speaks rtnetlink (RFC 3549) itself, so that nothing need be installed.
/// </summary>
internal static unsafe class LoopbackNetwork
{
    private const ushort RTM_SETLINK = 19, RTM_NEWROUTE = 24, NLMSG_ERROR = 2;
    private const ushort NLM_F_REQUEST = 1, NLM_F_ACK = 4, NLM_F_CREATE = 0x400, NLM_F_REPLACE = 0x100;
    private const uint IFF_UP = 1;
    private const byte RT_TABLE_LOCAL = 255, RTPROT_STATIC = 4, RT_SCOPE_HOST = 254, RTN_LOCAL = 2;
    private const ushort RTA_OIF = 4;

    /// <summary><c>lo</c> is interface 1 in every network namespace.</summary>
    private const int LoopbackIndex = 1;

    /// <returns>Whether the namespace has IPv6.</returns>
    public static bool Configure()
    {
        var netlink = Check(LibC.socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, 0), "open rtnetlink");
        try
        {
            Request(netlink, RTM_SETLINK, 0, LinkUp(), "bring lo up");
            Request(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, LocalRoute(LibC.AF_INET), "make every IPv4 address local");
            // Without echo replies a ping does not falsely succeed; with ping sockets the attempt reaches the wire, where it is recorded.
            Sysctl("net/ipv4/icmp_echo_ignore_all", "1");
            // In a user namespace only its own groups can be named: 0 there is the agent's. An engine that set another than the kernel's default knew which.
            // That default, 1 to 0, is shown in a user namespace as the group that stands for those it can not name.
            if (File.ReadAllText("/proc/sys/net/ipv4/ping_group_range").Trim() is "1\t0" or "65534\t65534" && !TrySysctl("net/ipv4/ping_group_range", "0 2147483647"))
                Sysctl("net/ipv4/ping_group_range", "0 0");
            if (!Directory.Exists("/proc/sys/net/ipv6"))
                return false;
            Sysctl("net/ipv6/conf/all/disable_ipv6", "0");
            Sysctl("net/ipv6/conf/lo/disable_ipv6", "0");
            Request(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, LocalRoute(LibC.AF_INET6), "make every IPv6 address local");
            Sysctl("net/ipv6/icmp/echo_ignore_all", "1");
            return true;
        }
        finally
        {
            _ = LibC.close(netlink);
        }
    }

    // struct ifinfomsg: family, pad, type(2), index(4), flags(4), change(4)
    private static byte[] LinkUp()
    {
        var body = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), LoopbackIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(8), IFF_UP);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(12), IFF_UP);
        return body;
    }

    // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags(4); then RTA_OIF
    private static byte[] LocalRoute(int family)
    {
        var body = new byte[12 + 8];
        body[0] = (byte)family;
        body[4] = RT_TABLE_LOCAL;
        body[5] = RTPROT_STATIC;
        body[6] = RT_SCOPE_HOST;
        body[7] = RTN_LOCAL;
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(12), 8);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(14), RTA_OIF);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(16), LoopbackIndex);
        return body;
    }

    private static void Request(int netlink, ushort type, int flags, byte[] body, string doing)
    {
        // struct nlmsghdr: len(4), type(2), flags(2), seq(4), pid(4)
        var message = new byte[16 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, message.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), (ushort)(NLM_F_REQUEST | NLM_F_ACK | flags));
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(8), 1);
        body.CopyTo(message.AsSpan(16));
        fixed (byte* data = message)
            Check(LibC.send(netlink, data, (nuint)message.Length, 0), doing);

        Span<byte> reply = stackalloc byte[512];
        int length;
        fixed (byte* data = reply)
            length = Check(LibC.recv(netlink, data, (nuint)reply.Length, 0), doing);
        if (length < 20 || BinaryPrimitives.ReadUInt16LittleEndian(reply[4..]) != NLMSG_ERROR)
            throw new InvalidDataException($"{doing}: the kernel's answer is not an acknowledgement");
        var error = -BinaryPrimitives.ReadInt32LittleEndian(reply[16..]);
        if (error != 0)
            throw new SystemCallException(doing, error);
    }

    private static bool TrySysctl(string name, string value)
    {
        try
        {
            Sysctl(name, value);
            return true;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            return false;
        }
    }

    private static void Sysctl(string name, string value)
    {
        var path = "/proc/sys/" + name;
        try
        {
            // A container engine has set what it was told to, and shows /proc/sys read-only.
            if (File.ReadAllText(path).Trim().Replace('\t', ' ') != value)
                File.WriteAllText(path, value);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // A kernel without the knob answers echo requests; that reveals and carries nothing, since lo is all there is.
        }
    }
}
