using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Native;
using Microsoft.Win32.SafeHandles;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <content>What changes the directory: one component at a time, nothing is ever overwritten but by <see cref="Replace"/>.</content>
internal sealed unsafe partial class Folder
{
    private const uint S_IFCHR = 0x2000;

    /// <param name="name">New.</param>
    /// <param name="permissions">Whatever the umask.</param>
    /// <returns>False when something of that name is there.</returns>
    public bool TryMakeFolder(FileName name, uint permissions)
    {
        fixed (byte* each = name.Terminated)
        {
            if (mkdirat(Descriptor, each, permissions) == 0)
                return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == EEXIST ? false : throw Failed("make the folder", name, error);
    }

    /// <summary>Makes it unless it is there, and opens it.</summary>
    public Folder EnsureFolder(FileName name)
    {
        TryMakeFolder(name, 0x1c0);
        return OpenFolder(name) ?? throw Failed("open", name, ENOTDIR);
    }

    /// <summary>A new regular file, mode 0600, open for writing.</summary>
    public SafeFileHandle CreateFile(FileName name)
    {
        fixed (byte* each = name.Terminated)
            return new(Check(openat(Descriptor, each, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0x180), "make", name), ownsHandle: true);
    }

    /// <summary>Opens a file of ours for adding to its end; makes it unless it is there.</summary>
    public SafeFileHandle OpenForAppending(FileName name)
    {
        fixed (byte* each = name.Terminated)
            return new(Check(openat(Descriptor, each, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0x180), "open", name), ownsHandle: true);
    }

    public void MakeLink(FileName name, ReadOnlySpan<byte> target)
    {
        var terminated = new byte[target.Length + 1];
        target.CopyTo(terminated);
        fixed (byte* each = name.Terminated, to = terminated)
            Check(symlinkat(to, Descriptor, each), "make the link", name);
    }

    /// <summary>"There is nothing here", for an overlay above: character device 0:0, which any user may make since Linux 5.8.</summary>
    public void MakeWhiteout(FileName name)
    {
        fixed (byte* each = name.Terminated)
            Check(mknodat(Descriptor, each, S_IFCHR, 0), "make the whiteout", name);
    }

    /// <summary>Renames within one file system, over what is there.</summary>
    public void Replace(FileName from, FileName to)
    {
        if (TryReplace(from, this, to) is not 0 and var error)
            throw Failed("replace", to, error);
    }

    /// <summary>Renames over what is there, be it in another folder.</summary>
    /// <returns>0, or errno.</returns>
    public int TryReplace(FileName from, Folder folder, FileName to) => TryMove(from, folder, to, 0);

    /// <summary>Renames to a name that is not taken.</summary>
    /// <returns>0, or errno: EXDEV when the two are not on one file system.</returns>
    public int TryMove(FileName from, Folder folder, FileName to) => TryMove(from, folder, to, RENAME_NOREPLACE);

    /// <summary>A second name for what is there, be it a file or a link itself.</summary>
    /// <returns>0, or errno.</returns>
    public int TryLink(FileName from, Folder folder, FileName to)
    {
        fixed (byte* source = from.Terminated, target = to.Terminated)
            return linkat(Descriptor, source, folder.Descriptor, target, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <returns>False when there is none.</returns>
    public bool TryUnlink(FileName name)
    {
        fixed (byte* each = name.Terminated)
        {
            if (unlinkat(Descriptor, each, 0) == 0)
                return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error == ENOENT ? false : throw Failed("remove", name, error);
    }

    /// <returns>0, or errno: ENOTEMPTY when it is not empty.</returns>
    public int TryRemoveFolder(FileName name)
    {
        fixed (byte* each = name.Terminated)
            return unlinkat(Descriptor, each, AT_REMOVEDIR) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Mode of this folder itself.</summary>
    public void SetMode(uint mode) => SystemCallException.Check(fchmod(Descriptor, mode), $"set the mode of {_where}");

    public void SetOwner(uint uid, uint gid)
    {
        byte empty = 0;
        SystemCallException.Check(fchownat(Descriptor, &empty, uid, gid, AT_EMPTY_PATH), $"set the owner of {_where}");
    }

    /// <summary>Owner of a name in it; a link's own.</summary>
    public void SetOwner(FileName name, uint uid, uint gid)
    {
        fixed (byte* each = name.Terminated)
            Check(fchownat(Descriptor, each, uid, gid, AT_SYMLINK_NOFOLLOW), "set the owner of", name);
    }

    public void SetModified(FileTime time)
    {
        var times = stackalloc TimeSpec[2];
        times[0] = times[1] = new() { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
        SystemCallException.Check(futimens(Descriptor, times), $"set the time of {_where}");
    }

    /// <summary>Waits until what was renamed, made or removed in it is on disk.</summary>
    public void Flush() => SystemCallException.Check(fsync(Descriptor), $"write {_where} to disk");

    /// <summary>Likewise for everything on its file system.</summary>
    public void FlushAll() => SystemCallException.Check(syncfs(Descriptor), $"write the file system of {_where} to disk");

    /// <summary>Gives its owner full access to a folder in it. For folders of ours alone.</summary>
    public void Unlock(FileName name)
    {
        int found;
        fixed (byte* each = name.Terminated)
            found = openat(Descriptor, each, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (found < 0)
            return;
        using var handle = new SafeFileHandle(found, ownsHandle: true);
        fixed (byte* path = Encoding.ASCII.GetBytes($"/proc/self/fd/{found}\0"))
            _ = chmod(path, 0x1c0);
    }

    private int TryMove(FileName from, Folder folder, FileName to, uint flags)
    {
        fixed (byte* source = from.Terminated, target = to.Terminated)
            return renameat2(Descriptor, source, folder.Descriptor, target, flags) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
