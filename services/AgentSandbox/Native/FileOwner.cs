using System.Text;
using Gatehouse.AgentSandbox.Enclosure;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>Owner of a file, by statx(2), whose struct is the same on every architecture.</summary>
internal static unsafe class FileOwner
{
    private const int AT_FDCWD = -100, STATX_TYPE = 1, STATX_UID_GID = 0x18;
    private const ushort S_IFMT = 0xf000, S_IFREG = 0x8000;

    public static Owner Of(string path)
    {
        // struct statx: mask(4), blksize(4), attributes(8), nlink(4), uid(4), gid(4), …; 256 bytes
        var result = stackalloc byte[256];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            Check(LibC.statx(AT_FDCWD, name, 0, STATX_UID_GID, result), $"look at {path}");
        return new(*(uint*)(result + 20), *(uint*)(result + 24));
    }

    /// <summary>Neither folder, link, socket, pipe nor device.</summary>
    public static bool IsRegular(string path)
    {
        var result = stackalloc byte[256];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return LibC.statx(AT_FDCWD, name, 0, STATX_TYPE, result) == 0 && (*(ushort*)(result + 28) & S_IFMT) == S_IFREG;
    }
}
