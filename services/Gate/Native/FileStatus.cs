using System.Text;

namespace Gatehouse.Gate.Native;

/// <summary>Owner and mode of a file, by statx(2), whose struct is the same on every architecture.</summary>
internal readonly record struct FileStatus(uint Uid, uint Gid, ushort Mode)
{
    private const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, STATX_BASIC = 0x7ff;

    public bool IsDirectory => (Mode & 0xf000) == 0x4000;

    public bool IsRegular => (Mode & 0xf000) == 0x8000;

    /// <summary>Links are followed; null when it does not exist.</summary>
    public static FileStatus? Of(string path) => Get(path, 0);

    /// <summary>A link's own.</summary>
    public static FileStatus? OfLink(string path) => Get(path, AT_SYMLINK_NOFOLLOW);

    private static unsafe FileStatus? Get(string path, int flags)
    {
        // struct statx: mask(4), blksize(4), attributes(8), nlink(4), uid(4), gid(4), mode(2), …; 256 bytes
        var result = stackalloc byte[256];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return LibC.statx(AT_FDCWD, name, flags, STATX_BASIC, result) == 0
                ? new(*(uint*)(result + 20), *(uint*)(result + 24), *(ushort*)(result + 28))
                : null;
        }
    }
}
