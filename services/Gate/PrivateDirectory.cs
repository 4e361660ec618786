using System.Runtime.InteropServices;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate;

/// <summary>A directory that nobody but this user can look into: what lies in it needs no further protection.</summary>
internal static class PrivateDirectory
{
    private const uint Mode = 0x1C0; // 0700

    /// <summary>Creates the directory and its parents, each 0700, or checks the one that is there.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="source">The variable to set when this one will not do.</param>
    /// <param name="owner">Whose it must be; null for this process's user.</param>
    public static string Ensure(string path, string source, uint? owner = null)
    {
        if (!Path.IsPathFullyQualified(path))
            throw new IOException($"{path} is a relative path. Set {source} to an absolute one.");
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

        Create(path, source);
        // Not following a link: /tmp is everybody's, and a link there would lead wherever its owner likes.
        if (Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, out var status) != 0)
            throw Failure(path, source, "can not be looked at");
        if (status.Type == Libc.S_IFLNK)
            throw new IOException($"{path} is a symbolic link. Remove it, or set {source} to a directory of your own.");
        if (status.Type != Libc.S_IFDIR)
            throw new IOException($"{path} is not a directory. Remove it, or set {source} to a directory of your own.");
        if (status.UserId != (owner ?? Libc.geteuid()))
            throw new IOException($"{path} belongs to user {status.UserId}. Set {source} to a directory of your own.");
        if ((status.Mode & 0x3F) != 0)
            throw new IOException($"{path} is open to other users. Run: chmod 700 '{path}'");
        return path;
    }

    /// <summary>Whether the path is a directory of this user: with sudo, variables may name another user's.</summary>
    public static bool IsOwn(string path) =>
        Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, out var status) == 0
        && status.Type == Libc.S_IFDIR && status.UserId == Libc.geteuid();

    private static void Create(string path, string source)
    {
        if (Path.GetDirectoryName(path) is { } parent && !Directory.Exists(parent))
            Create(parent, source);
        if (Libc.mkdir(path, Mode) != 0 && Marshal.GetLastPInvokeError() != Libc.EEXIST)
            throw Failure(path, source, "can not be created");
    }

    private static IOException Failure(string path, string source, string what) =>
        new($"{path} {what}: {Marshal.GetLastPInvokeErrorMessage()}. Set {source} to a directory of your own.");
}
