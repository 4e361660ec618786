using System.Text;
using Gatehouse.AgentSandbox.Enclosure;
using Microsoft.Win32.SafeHandles;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>
/// A user namespace that exists only to be the map of an idmapped mount: files that <c>disk</c> owns appear as owned by <c>shown</c>, and what is
/// created as <c>shown</c> is stored as <c>disk</c>. Every other owner appears as nobody. What OverlayFS makes for itself, as the root that mounts it,
/// is stored under the id <c>shown</c>, which on disk nobody has: without a place in the map the kernel refuses (EOVERFLOW).
/// </summary>
internal static unsafe class OwnerMap
{
    /// <summary>Root only.</summary>
    /// <param name="unshare">Path of unshare(1).</param>
    public static SafeFileHandle Create(string unshare, Owner disk, Owner shown)
    {
        var toChild = stackalloc int[2];
        var fromChild = stackalloc int[2];
        Check(LibC.socketpair(1, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, toChild), "make a pipe");
        Check(LibC.socketpair(1, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, fromChild), "make a pipe");
        // cat answers, so the namespace is there; it ends when its input does.
        var child = SpawnedProcess.Start([unshare, "--user", "cat"], ["PATH=/usr/bin:/bin"], toChild[1], fromChild[1]);
        _ = LibC.close(toChild[1]);
        _ = LibC.close(fromChild[1]);
        try
        {
            if (!LibC.SendAll(toChild[0], "?"u8) || LibC.Receive(fromChild[0], new byte[1]) != 1)
                throw new InvalidOperationException("unshare --user did not start: are user namespaces disabled (user.max_user_namespaces)?");
            WriteMap($"/proc/{child.Id}/uid_map", disk.Uid, shown.Uid);
            WriteMap($"/proc/{child.Id}/gid_map", disk.Gid, shown.Gid);
            return File.OpenHandle($"/proc/{child.Id}/ns/user");
        }
        finally
        {
            _ = LibC.close(toChild[0]);
            _ = LibC.close(fromChild[0]);
            child.Wait();
        }
    }

    // One write(2): the kernel takes the whole map or nothing.
    private static void WriteMap(string path, uint inside, uint outside)
    {
        using var map = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(map, Encoding.ASCII.GetBytes($"{inside} {outside} 1\n{outside} 0 1\n"), 0);
    }
}
