using System.Runtime.InteropServices;
using System.Text;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>
/// A clone of a mount that is attached nowhere yet: open_tree(2), mount_setattr(2), move_mount(2) (Linux 5.2; 5.12 for idmapped mounts). The
/// calls have the same number on every architecture.
/// </summary>
internal sealed unsafe class DetachedMount : IDisposable
{
    private const int AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000, OPEN_TREE_CLONE = 1, MOVE_MOUNT_F_EMPTY_PATH = 4;
    private const ulong MOUNT_ATTR_IDMAP = 0x00100000;

    private readonly string _path;
    private int _fd;

    private DetachedMount(string path, int fd)
    {
        _path = path;
        _fd = fd;
    }

    /// <summary>Clones what is mounted at <paramref name="path"/>, without the mounts below it.</summary>
    public static DetachedMount Clone(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return new(path, Check(LibC.syscall(428, AT_FDCWD, (nint)name, OPEN_TREE_CLONE | LibC.O_CLOEXEC, 0, 0), $"open {path}"));
    }

    /// <summary>Makes owners appear as <paramref name="userNamespace"/> maps them.</summary>
    /// <returns>False when the file system, or the kernel, has no idmapped mounts.</returns>
    public bool TryMapOwners(SafeHandle userNamespace)
    {
        // struct mount_attr: attr_set(8), attr_clr(8), propagation(8), userns_fd(8)
        var attributes = stackalloc ulong[4] { MOUNT_ATTR_IDMAP, 0, 0, (ulong)userNamespace.DangerousGetHandle() };
        byte empty = 0;
        return LibC.syscall(442, _fd, (nint)(&empty), AT_EMPTY_PATH, (nint)attributes, 32) == 0;
    }

    /// <summary>Attaches it, and is done with it.</summary>
    public void AttachAt(string target)
    {
        byte empty = 0;
        fixed (byte* name = Encoding.UTF8.GetBytes(target + '\0'))
            Check(LibC.syscall(429, _fd, (nint)(&empty), AT_FDCWD, (nint)name, MOVE_MOUNT_F_EMPTY_PATH), $"mount {_path}");
        Dispose();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _fd, -1) is >= 0 and var fd)
            _ = LibC.close(fd);
    }
}
