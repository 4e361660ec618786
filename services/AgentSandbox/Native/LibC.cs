using System.Runtime.InteropServices;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>
/// The system calls that .NET has no name for. Numbers and struct layouts are those that x86-64 and arm64 share (asm-generic);
/// where the two differ, the libc wrapper is used.
/// </summary>
internal static unsafe partial class LibC
{
    internal const int AF_INET = 2, AF_NETLINK = 16, AF_PACKET = 17, AF_INET6 = 10;
    internal const int SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;
    internal const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_REUSEPORT = 15, SO_ATTACH_FILTER = 26, SO_RCVBUF = 8;
    internal const int IPPROTO_IP = 0, IPPROTO_TCP = 6, IPPROTO_IPV6 = 41, IP_PKTINFO = 8, IPV6_V6ONLY = 26, IPV6_RECVPKTINFO = 49;
    internal const int O_CLOEXEC = 0x80000;
    internal const int F_GETFD = 1, F_SETFD = 2, FD_CLOEXEC = 1;
    internal const int EINTR = 4;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int bind(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int listen(int fd, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint send(int fd, byte* data, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recv(int fd, byte* data, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint write(int fd, byte* data, nuint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int getppid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial uint getuid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial uint getgid();

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setgroups(nuint count, uint* groups);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chown(string path, uint owner, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int accept4(int fd, byte* address, uint* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int connect(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int shutdown(int fd, int how);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    /// <summary>Waits until the descriptor can be read, or has ended. A signal meanwhile (a child's end is one) does not cut the wait short.</summary>
    internal static bool IsReadable(int descriptor, TimeSpan within)
    {
        var waiting = new PollDescriptor { Descriptor = descriptor, Events = POLLIN };
        var since = Environment.TickCount64;
        var left = (long)within.TotalMilliseconds;
        while (true)
        {
            var ready = poll(&waiting, 1, (int)Math.Min(left, int.MaxValue));
            if (ready >= 0)
                return ready == 1;
            if (Marshal.GetLastPInvokeError() != EINTR)
                throw new SystemCallException("wait", Marshal.GetLastPInvokeError());
            left = Math.Max(0, (long)within.TotalMilliseconds - (Environment.TickCount64 - since));
        }
    }

    /// <summary>recv(2), again when a signal came between.</summary>
    internal static nint Receive(int descriptor, Span<byte> buffer, int flags = 0)
    {
        fixed (byte* data = buffer)
        {
            nint length;
            do
                length = recv(descriptor, data, (nuint)buffer.Length, flags);
            while (length < 0 && Marshal.GetLastPInvokeError() == EINTR);
            return length;
        }
    }

    /// <summary>send(2) of the whole, without SIGPIPE, again when a signal came between.</summary>
    /// <returns>False when the other end is gone.</returns>
    internal static bool SendAll(int descriptor, ReadOnlySpan<byte> bytes)
    {
        const int MSG_NOSIGNAL = 0x4000;
        while (!bytes.IsEmpty)
        {
            nint sent;
            fixed (byte* data = bytes)
                sent = send(descriptor, data, (nuint)bytes.Length, MSG_NOSIGNAL);
            if (sent < 0 && Marshal.GetLastPInvokeError() == EINTR)
                continue;
            if (sent <= 0)
                return false;
            bytes = bytes[(int)sent..];
        }

        return true;
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    internal const short POLLIN = 1;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int isatty(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int tcsetpgrp(int fd, int group);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int tcgetpgrp(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int getpgrp();

    [LibraryImport("libc")]
    internal static partial nint signal(int number, nint handler);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int sigprocmask(int how, byte* set, byte* old);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int execve(byte* path, byte** argv, byte** environment);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int flock(int fd, int operation);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint sendmsg(int fd, ControlChannel.MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recvmsg(int fd, ControlChannel.MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint lseek(int fd, nint offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial byte* realpath(string path, byte* resolved);
}
