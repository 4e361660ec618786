using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Native;
using Microsoft.Win32.SafeHandles;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>
/// What OverlayFS notes on files of an upper layer (kernel documentation, overlayfs.rst; mounted with <c>userxattr</c>). The agent can not set
/// these: the mount keeps the name space to itself. A mark that our mounts never make means that the layer is not what it was.
/// </summary>
/// <param name="IsOpaque">A folder that hides the lower one of its name.</param>
/// <param name="MayHoldWhiteouts">A folder in which files can be whiteouts by attribute.</param>
/// <param name="IsWhiteout">A file that means "nothing here", if its folder says that such are in it.</param>
internal readonly record struct OverlayMarks(bool IsOpaque, bool MayHoldWhiteouts, bool IsWhiteout)
{
    private const string Prefix = "user.overlay.";

    /// <summary>XATTR_LIST_MAX of Linux.</summary>
    private const int MaxList = 65536;

    /// <summary>Of a folder itself.</summary>
    /// <exception cref="WorkspaceException">The layer was tampered with.</exception>
    public static OverlayMarks Of(Folder folder, RelativePath path) => Read(folder.Descriptor, path);

    /// <inheritdoc cref="Of(Folder, RelativePath)"/>
    public static unsafe OverlayMarks Of(Folder folder, FileName name, RelativePath path)
    {
        int found;
        fixed (byte* each = name.Terminated)
            found = openat(folder.Descriptor, each, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        if (found < 0)
            return default;
        using var handle = new SafeFileHandle(found, ownsHandle: true);
        return Read(found, path);
    }

    // Links and special files can hold no attribute of a user's; listxattr(2) through /proc works for descriptors that only name a file.
    private static unsafe OverlayMarks Read(int descriptor, RelativePath path)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MaxList);
        fixed (byte* proc = Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}\0"), list = buffer)
        {
            var length = (int)listxattr(proc, list, MaxList);
            if (length < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                return error is EOPNOTSUPP or ENOENT or EPERM or EACCES ? default : throw new SystemCallException($"read the attributes of {path}", error);
            }

            var marks = default(OverlayMarks);
            var names = new ReadOnlySpan<byte>(list, length);
            while (!names.IsEmpty)
            {
                var end = names.IndexOf((byte)0);
                marks = marks.With(Encoding.Latin1.GetString(names[..end]), proc, path);
                names = names[(end + 1)..];
            }

            ArrayPool<byte>.Shared.Return(buffer);
            return marks;
        }
    }

    private unsafe OverlayMarks With(string name, byte* proc, RelativePath path)
    {
        switch (name)
        {
            case Prefix + "opaque":
                var value = stackalloc byte[8];
                fixed (byte* each = Encoding.ASCII.GetBytes(name + '\0'))
                {
                    var length = (int)getxattr(proc, each, value, 8);
                    return length == 1 && value[0] == 'y' ? this with { IsOpaque = true } : length == 1 && value[0] == 'x' ? this with { MayHoldWhiteouts = true } : throw Tampered(name, path);
                }

            case Prefix + "whiteout":
                return this with { IsWhiteout = true };
            case Prefix + "origin" or Prefix + "impure" or Prefix + "nlink" or Prefix + "upper" or Prefix + "uuid" or Prefix + "protattr":
                return this;
            default:
                // An agent's own attribute of that name is stored one level down: user.overlay.overlay.NAME.
                return name.StartsWith("trusted.overlay.", StringComparison.Ordinal)
                    || (name.StartsWith(Prefix, StringComparison.Ordinal) && !name.StartsWith(Prefix + "overlay.", StringComparison.Ordinal))
                    ? throw Tampered(name, path) : this;
        }
    }

    private static WorkspaceException Tampered(string name, RelativePath path) =>
        new($"the session's layer holds an attribute that Gatehouse's mounts never make ({SafeText.Escape(Encoding.Latin1.GetBytes(name))} on {path}): somebody changed it, so nothing of it is shown or applied; 'gatehouse discard' removes it");
}
