using System.Runtime.InteropServices;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>
/// The *at(2) calls: a directory is held by descriptor and its entries are named one component at a time, so that nobody who renames or links
/// meanwhile can lead a walk elsewhere. Wrappers of libc, as their numbers differ by architecture; openat2(2) has one number on all.
/// </summary>
internal static unsafe partial class FileCalls
{
    internal const int EPERM = 1, ENOENT = 2, EINTR = 4, EAGAIN = 11, EACCES = 13, EEXIST = 17, EXDEV = 18, ENOTDIR = 20, EISDIR = 21, EINVAL = 22,
        EMLINK = 31, ERANGE = 34, ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40, ENODATA = 61, EOPNOTSUPP = 95;

    internal const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, AT_EMPTY_PATH = 0x1000, AT_NO_AUTOMOUNT = 0x800;
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_CREAT = 0x40, O_EXCL = 0x80, O_NOCTTY = 0x100, O_APPEND = 0x400, O_NONBLOCK = 0x800,
        O_CLOEXEC = 0x80000, O_PATH = 0x200000;
    internal const uint RENAME_NOREPLACE = 1;
    internal const ulong RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8;

    private const int OpenAt2 = 437;

    // The two flags that arm kept from an older ABI.
    internal static readonly int O_DIRECTORY = IsArm ? 0x4000 : 0x10000;
    internal static readonly int O_NOFOLLOW = IsArm ? 0x8000 : 0x20000;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int openat(int folder, byte* name, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint getdents64(int folder, byte* buffer, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int mkdirat(int folder, byte* name, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int mknodat(int folder, byte* name, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int unlinkat(int folder, byte* name, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int renameat2(int fromFolder, byte* from, int toFolder, byte* to, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int linkat(int fromFolder, byte* from, int toFolder, byte* to, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int symlinkat(byte* target, int folder, byte* name);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint readlinkat(int folder, byte* name, byte* buffer, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchmod(int file, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fchownat(int folder, byte* name, uint owner, uint group, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int futimens(int file, TimeSpec* times);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fsync(int file);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int syncfs(int file);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint listxattr(byte* path, byte* list, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint getxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc")]
    internal static partial uint geteuid();

    /// <summary>-1 with errno, or a descriptor.</summary>
    internal static int OpenBelow(int folder, byte* path, int flags, ulong resolve)
    {
        var how = new OpenHow { Flags = (ulong)flags, Resolve = resolve };
        // EAGAIN: somebody renamed on the way; a path without ".." settles at once.
        for (var attempt = 0; ; attempt++)
        {
            var opened = (int)Native.LibC.syscall(OpenAt2, folder, (nint)path, (nint)(&how), sizeof(OpenHow), 0);
            if (opened >= 0 || attempt == 8 || Marshal.GetLastPInvokeError() is not (EAGAIN or EINTR))
                return opened;
        }
    }

    internal struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }
}
