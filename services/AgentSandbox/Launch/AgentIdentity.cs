using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>Who the agent is to the host's kernel.</summary>
/// <param name="Uid">User id.</param>
/// <param name="Gid">Group id.</param>
/// <param name="IsRoot">Whether the launcher is root, and so maps owners.</param>
internal sealed record AgentIdentity(uint Uid, uint Gid, bool IsRoot)
{
    /// <summary>
    /// An id that nobody has: between the ranges that distributions hand out (systemd: UIDS-GIDS) and the highest signed one. Only used when root
    /// runs an agent on root's own folders.
    /// </summary>
    private const uint Nobodys = 1_900_001_000;

    /// <summary>The launcher's own user; for root, the owner of the first workspace, or an id that nobody has when that is root too.</summary>
    public static AgentIdentity Choose(IEnumerable<string> workspaces)
    {
        if (LibC.getuid() != 0)
            return new(LibC.getuid(), LibC.getgid(), false);
        var owner = workspaces.Select(FileOwner.Of).FirstOrDefault(owner => owner.Uid != 0);
        return owner.Uid == 0 ? new(Nobodys, Nobodys, true) : new(owner.Uid, owner.Gid, true);
    }

    /// <summary>The owner of <paramref name="path"/> to show as the agent; null when none need be mapped.</summary>
    public Owner? Map(string path)
    {
        if (!IsRoot)
            return null;
        var owner = FileOwner.Of(path);
        return owner.Uid == Uid ? null : owner;
    }
}
