using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Native;
using Microsoft.Win32.SafeHandles;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>
/// A directory held open. Nothing here follows a symbolic link, crosses into another mount or leaves the directory: what is below is reached by
/// openat2(2) with RESOLVE_BENEATH, one component or a whole path.
/// </summary>
internal sealed unsafe partial class Folder : IDisposable
{
    /// <summary>One call resolves less than PATH_MAX; longer paths take several.</summary>
    private const int MaxStretch = 4000;

    private const ulong Resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

    private static readonly int s_openFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    private readonly SafeFileHandle _handle;
    private readonly string _where;

    private Folder(int descriptor, string where)
    {
        _handle = new(descriptor, ownsHandle: true);
        _where = where;
    }

    internal int Descriptor => (int)_handle.DangerousGetHandle();

    /// <param name="path">Absolute and canonical: a link anywhere on the way is an error, as it was put there since.</param>
    /// <exception cref="SystemCallException">It is not there, not a folder, or not to be opened.</exception>
    public static Folder Open(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return new(SystemCallException.Check(OpenBelow(AT_FDCWD, name, s_openFolder, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS), $"open {path}"), path);
    }

    /// <inheritdoc cref="Open(string)"/>
    /// <returns>Null when it is not there.</returns>
    public static Folder? OpenIfPresent(string path)
    {
        try
        {
            return Open(path);
        }
        catch (SystemCallException e) when (e.Error is ENOENT)
        {
            return null;
        }
    }

    /// <returns>Null when it is not there, or is not a folder (a link is none), now or on the way.</returns>
    /// <exception cref="SystemCallException">It may not be opened, or another file system is mounted there.</exception>
    public Folder? OpenFolder(RelativePath path)
    {
        if (TryOpenFolder(path, out var error) is { } folder)
            return folder;
        return IsAbsent(error) ? null : throw Failed("open", path, error);
    }

    /// <inheritdoc cref="OpenFolder(RelativePath)"/>
    public Folder? OpenFolder(FileName name) => OpenFolder(RelativePath.Root.Add(name));

    /// <param name="path">Below this folder.</param>
    /// <param name="error">errno when null is returned.</param>
    public Folder? TryOpenFolder(RelativePath path, out int error)
    {
        var at = Descriptor;
        Folder? reached = null;
        var rest = path.IsRoot ? "."u8 : path.Bytes;
        while (true)
        {
            var stretch = rest.Length <= MaxStretch ? rest.Length : rest[..MaxStretch].LastIndexOf((byte)'/');
            var opened = OpenStretch(at, rest[..stretch]);
            error = opened < 0 ? Marshal.GetLastPInvokeError() : 0;
            reached?.Dispose();
            if (opened < 0)
                return null;
            reached = new(opened, $"{_where}/{path}");
            if (stretch == rest.Length)
                return reached;
            at = opened;
            rest = rest[(stretch + 1)..];
        }
    }

    public FileStatus Status()
    {
        var raw = stackalloc byte[FileStatus.Length];
        byte empty = 0;
        SystemCallException.Check(statx(Descriptor, &empty, AT_EMPTY_PATH, StatusMask, raw), $"look at {_where}");
        return FileStatus.Read(raw);
    }

    /// <returns>Null when there is none of that name.</returns>
    public FileStatus? Status(FileName name)
    {
        var raw = stackalloc byte[FileStatus.Length];
        fixed (byte* each = name.Terminated)
        {
            if (statx(Descriptor, each, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, StatusMask, raw) == 0)
                return FileStatus.Read(raw);
        }

        var error = Marshal.GetLastPInvokeError();
        return IsAbsent(error) ? null : throw Failed("look at", name, error);
    }

    /// <summary>Names in the order of the file system.</summary>
    /// <param name="limit">More than so many is an error: the caller may be looking at what an agent made.</param>
    /// <exception cref="WorkspaceException">There are more.</exception>
    public List<FolderEntry> List(int limit)
    {
        var entries = new List<FolderEntry>();
        var buffer = new byte[64 * 1024];
        SystemCallException.Check(LibC.lseek(Descriptor, 0, 0), $"list {_where}");
        while (true)
        {
            int length;
            fixed (byte* data = buffer)
                length = SystemCallException.Check(getdents64(Descriptor, data, (nuint)buffer.Length), $"list {_where}");
            if (length == 0)
                return entries;
            FolderEntry.ReadAll(buffer.AsSpan(0, length), entries);
            if (entries.Count > limit)
                throw new WorkspaceException($"{_where} has more than {limit:N0} entries: too many to look through");
        }
    }

    /// <summary>Opens a regular file for reading.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="lend">Whether, when its mode keeps even its owner out, to lift that for the moment of opening.</param>
    /// <returns>Null when there is none, or it is no regular file.</returns>
    public SafeFileHandle? OpenFile(FileName name, bool lend = false)
    {
        fixed (byte* each = name.Terminated)
        {
            // O_NONBLOCK: a FIFO must not hold us.
            var opened = openat(Descriptor, each, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
            var error = Marshal.GetLastPInvokeError();
            if (opened < 0 && error == EACCES && lend)
            {
                opened = OpenLent(each);
                error = Marshal.GetLastPInvokeError();
            }

            if (opened < 0)
                return IsAbsent(error) || error is 6 /* ENXIO: a socket or a pipe without writer */ ? null : throw Failed("open", name, error);
            var handle = new SafeFileHandle(opened, ownsHandle: true);
            if (StatusOf(handle).Type == FileType.File)
                return handle;
            handle.Dispose();
            return null;
        }
    }

    public static FileStatus StatusOf(SafeFileHandle file)
    {
        var raw = stackalloc byte[FileStatus.Length];
        byte empty = 0;
        SystemCallException.Check(statx((int)file.DangerousGetHandle(), &empty, AT_EMPTY_PATH, StatusMask, raw), "look at an open file");
        return FileStatus.Read(raw);
    }

    /// <summary>Where a symbolic link points, as it stands.</summary>
    /// <returns>Null when it is none.</returns>
    public byte[]? ReadLink(FileName name)
    {
        var buffer = new byte[4097];
        fixed (byte* each = name.Terminated, data = buffer)
        {
            var length = (int)readlinkat(Descriptor, each, data, (nuint)buffer.Length);
            if (length >= 0)
                return buffer[..length];
        }

        var error = Marshal.GetLastPInvokeError();
        return IsAbsent(error) || error == EINVAL ? null : throw Failed("read the link", name, error);
    }

    public void Dispose() => _handle.Dispose();

    internal static bool IsAbsent(int error) => error is ENOENT or ENOTDIR or ELOOP;

    private const uint StatusMask = 0x7ff;

    // By a descriptor that only names the file, so that nobody can put another in its place between the three steps.
    private int OpenLent(byte* name)
    {
        var found = openat(Descriptor, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        if (found < 0)
            return -1;
        using var handle = new SafeFileHandle(found, ownsHandle: true);
        var status = StatusOf(handle);
        if (status.Type != FileType.File || status.Uid != geteuid())
        {
            Marshal.SetLastPInvokeError(EACCES);
            return -1;
        }

        fixed (byte* path = Encoding.ASCII.GetBytes($"/proc/self/fd/{found}\0"))
        {
            if (chmod(path, (status.RawMode & 0xfff) | 0x100) != 0)
                return -1;
            var opened = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
            var error = Marshal.GetLastPInvokeError();
            _ = chmod(path, status.RawMode & 0xfff);
            Marshal.SetLastPInvokeError(error);
            return opened;
        }
    }

    private SystemCallException Failed(string doing, object what, int error) => new($"{doing} {_where}/{what}", error);

    private int Check(int result, string doing, FileName name) => result >= 0 ? result : throw Failed(doing, name, Marshal.GetLastPInvokeError());

    private static int OpenStretch(int folder, ReadOnlySpan<byte> path)
    {
        Span<byte> terminated = stackalloc byte[path.Length + 1];
        path.CopyTo(terminated);
        terminated[^1] = 0;
        fixed (byte* name = terminated)
            return OpenBelow(folder, name, s_openFolder, Resolve);
    }
}
