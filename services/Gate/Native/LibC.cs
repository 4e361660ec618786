using System.Runtime.InteropServices;

namespace Gatehouse.Gate.Native;

/// <summary>System calls for handing descriptors over and looking at them.</summary>
internal static unsafe partial class LibC
{
    internal const int SOL_SOCKET = 1, SO_TYPE = 3, SO_PEERCRED = 17, SO_ACCEPTCONN = 30, SO_DOMAIN = 39;
    internal const int AF_INET = 2, AF_INET6 = 10, AF_PACKET = 17, SOCK_STREAM = 1, SOCK_DGRAM = 2;
    internal const int EINTR = 4;

    [LibraryImport("libc")]
    internal static partial uint getuid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int getsockopt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint sendmsg(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recvmsg(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int flock(int fd, int operation);
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public byte* Base;
    public nuint Length;
}

/// <summary>struct msghdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public byte* Name;
    public uint NameLength;
    public IoVector* Parts;
    public nuint PartCount;
    public byte* Control;
    public nuint ControlLength;
    public int Flags;
}
