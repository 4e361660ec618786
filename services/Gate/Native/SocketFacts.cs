using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Gate.Native;

/// <summary>What the kernel says a socket is, whatever its sender says.</summary>
internal static unsafe class SocketFacts
{
    /// <summary>The user that the process at the other end of a unix socket ran as when it connected, or listened; null when it can not be told.</summary>
    public static uint? PeerUser(SafeSocketHandle socket)
    {
        PeerCredentials peer;
        var length = (uint)sizeof(PeerCredentials);
        return Libc.getsockopt(socket, Libc.SOL_SOCKET, Libc.SO_PEERCRED, &peer, &length) == 0 && length == sizeof(PeerCredentials) ? peer.UserId : null;
    }

    /// <summary>Null when the descriptor is no socket or has no such option.</summary>
    public static int? Option(SafeSocketHandle socket, int option)
    {
        int value;
        uint length = sizeof(int);
        return Libc.getsockopt(socket, Libc.SOL_SOCKET, option, &value, &length) == 0 ? value : null;
    }

    /// <summary>
    /// The local address as the kernel has it now; null for other families. <see cref="Socket.LocalEndPoint"/> is cached, and on an
    /// accepted socket may be its listener's.
    /// </summary>
    public static IPEndPoint? LocalEndPoint(SafeSocketHandle socket)
    {
        const int Size = 128; // struct sockaddr_storage
        var storage = stackalloc byte[Size];
        uint length = Size;
        if (Libc.getsockname(socket, storage, &length) != 0)
            return null;
        var address = new ReadOnlySpan<byte>(storage, (int)Math.Min(length, Size));
        return (address.Length >= 2 ? BitConverter.ToUInt16(address) : 0) switch
        {
            Libc.AF_INET when address.Length >= 8 => new(new IPAddress(address.Slice(4, 4)), Port(address)),
            Libc.AF_INET6 when address.Length >= 24 => new(Unmapped(new IPAddress(address.Slice(8, 16))), Port(address)),
            _ => null,
        };

        static int Port(ReadOnlySpan<byte> address) => address[2] << 8 | address[3];
        static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
