using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Policies;

/// <summary>What stat(2) tells of a file's content; <c>default</c> when there is no file. Equal: not touched.</summary>
internal readonly record struct FileFingerprint(ulong Device, ulong Inode, ulong Size, long Modified, long Changed)
{
    public static FileFingerprint Of(string path) =>
        Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, out var status) != 0
            ? default
            : new(
                (ulong)status.DeviceMajor << 32 | status.DeviceMinor, status.Inode, status.Size,
                // ctime as well: touch(1) and tar(1) set mtime back, nothing sets ctime.
                status.ModifiedSeconds * 1_000_000_000 + status.ModifiedNanoseconds,
                status.ChangedSeconds * 1_000_000_000 + status.ChangedNanoseconds);
}
