using System.Globalization;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>What a name stands for; what is none of the first three is never made on the host.</summary>
internal enum FileType
{
    File,
    Folder,
    Link,
    Other,
}

/// <summary>statx(2): one layout on every architecture.</summary>
/// <param name="RawMode">Type and permission bits, as in st_mode.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Inode">Number within the device.</param>
/// <param name="Device">Device that holds it, major in the high half.</param>
/// <param name="Represents">Device that it stands for, likewise.</param>
/// <param name="Links">Names it has.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Modified">Time its content changed; anybody who may write to it can set it.</param>
/// <param name="Changed">Time anything about it changed; only the kernel sets it.</param>
internal readonly record struct FileStatus(
    uint RawMode, long Size, ulong Inode, ulong Device, ulong Represents, uint Links, uint Uid, uint Gid, FileTime Modified, FileTime Changed)
{
    private const uint S_IFMT = 0xf000, S_IFCHR = 0x2000, S_IFDIR = 0x4000, S_IFREG = 0x8000, S_IFLNK = 0xa000;

    internal const int Length = 256;

    public FileType Type => (RawMode & S_IFMT) switch
    {
        S_IFREG => FileType.File,
        S_IFDIR => FileType.Folder,
        S_IFLNK => FileType.Link,
        _ => FileType.Other,
    };

    /// <summary>Read, write and execute of owner, group and others. Set-id and sticky bits are left out: they never leave a session.</summary>
    public uint Permissions => RawMode & 0x1ff;

    /// <summary>Set-user-id, set-group-id and sticky.</summary>
    public uint SpecialBits => RawMode & 0xe00;

    /// <summary>OverlayFS writes "there is nothing here" as character device 0:0 (overlayfs.rst).</summary>
    public bool IsWhiteoutDevice => (RawMode & S_IFMT) == S_IFCHR && Represents == 0;

    internal static unsafe FileStatus Read(byte* raw)
    {
        // mask 0, blksize 4, attributes 8, nlink 16, uid 20, gid 24, mode 28, ino 32, size 40, blocks 48, attributes_mask 56,
        // atime 64, btime 80, ctime 96, mtime 112, rdev 128, dev 136
        return new(
            *(ushort*)(raw + 28), *(long*)(raw + 40), *(ulong*)(raw + 32), Pair(raw + 136), Pair(raw + 128), *(uint*)(raw + 16),
            *(uint*)(raw + 20), *(uint*)(raw + 24), Time(raw + 112), Time(raw + 96));

        static ulong Pair(byte* at) => (ulong)*(uint*)at << 32 | *(uint*)(at + 4);
        static FileTime Time(byte* at) => new(*(long*)at, *(uint*)(at + 8));
    }
}

/// <summary>A time stamp of a file, as the kernel keeps it.</summary>
/// <param name="Seconds">Since 1970.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
internal readonly record struct FileTime(long Seconds, uint Nanoseconds) : IComparable<FileTime>
{
    public int CompareTo(FileTime other) => (Seconds, Nanoseconds).CompareTo((other.Seconds, other.Nanoseconds));

    public static bool operator >(FileTime left, FileTime right) => left.CompareTo(right) > 0;

    public static bool operator <(FileTime left, FileTime right) => left.CompareTo(right) < 0;

    public static bool operator >=(FileTime left, FileTime right) => left.CompareTo(right) >= 0;

    public static bool operator <=(FileTime left, FileTime right) => left.CompareTo(right) <= 0;

    /// <summary>Local time to the second, for people.</summary>
    public string Display() => DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(Seconds, 0, 253402300799)).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
