using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>Whether received descriptors are what the header says: asked of the kernel, since everything after rests on it.</summary>
internal static unsafe class SocketCheck
{
    /// <summary>Takes ownership of every descriptor: they end in the result, or closed.</summary>
    /// <returns>Default, with the reason in <paramref name="error"/>, when one is not as described.</returns>
    public static ImmutableArray<SessionSocket> Adopt(ImmutableArray<SocketDescription> descriptions, int[] descriptors, out string error)
    {
        var sockets = ImmutableArray.CreateBuilder<SessionSocket>();
        error = descriptions.IsDefault || descriptions.Length != descriptors.Length ? "the header does not describe the sockets that came with it" : "";
        for (var i = 0; i < descriptors.Length && error.Length == 0; i++)
        {
            if (Describe(descriptors[i], descriptions[i]) is { Length: > 0 } wrong)
                error = $"socket {i} ({descriptions[i].Purpose} {descriptions[i].Port}) {wrong}";
        }

        if (error.Length > 0)
        {
            foreach (var descriptor in descriptors)
                _ = LibC.close(descriptor);
            return default;
        }

        for (var i = 0; i < descriptors.Length; i++)
            sockets.Add(new(descriptions[i], new SafeSocketHandle(descriptors[i], ownsHandle: true)));
        return sockets.ToImmutable();
    }

    private static string Describe(int descriptor, SocketDescription expected)
    {
        if (!Enum.IsDefined(expected.Purpose))
            return "has an unknown purpose";
        if (!TryGet(descriptor, LibC.SO_DOMAIN, out var domain) || !TryGet(descriptor, LibC.SO_TYPE, out var type))
            return "is not a socket";
        if (expected.Purpose == SocketPurpose.Tap)
            return domain == LibC.AF_PACKET && type == LibC.SOCK_DGRAM ? "" : "is not a packet socket";
        if (domain != (expected.IsIPv6 ? LibC.AF_INET6 : LibC.AF_INET))
            return "has another address family";
        if (expected.Purpose == SocketPurpose.DnsUdp ? type != LibC.SOCK_DGRAM : type != LibC.SOCK_STREAM)
            return "has another type";
        if (expected.Purpose != SocketPurpose.DnsUdp && !(TryGet(descriptor, LibC.SO_ACCEPTCONN, out var listening) && listening == 1))
            return "does not listen";
        return LocalPort(descriptor) == expected.Port ? "" : "is bound to another port";
    }

    private static bool TryGet(int descriptor, int option, out int value)
    {
        int result;
        uint length = sizeof(int);
        var found = LibC.getsockopt(descriptor, LibC.SOL_SOCKET, option, &result, &length) == 0;
        value = found ? result : 0;
        return found;
    }

    private static int LocalPort(int descriptor)
    {
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false));
        return (socket.LocalEndPoint as IPEndPoint)?.Port ?? -1;
    }
}
