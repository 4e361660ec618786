using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Workspaces;

/// <summary>The layers of an overlay workspace, on disk: <c>upper</c> takes what the agent writes, <c>work</c> is the kernel's, <c>mask</c> hides.</summary>
internal static class OverlayWorkspace
{
    public const string Upper = "upper", Work = "work", Mask = "mask";

    /// <summary>Makes the layers for a session that is about to start.</summary>
    /// <param name="folder">An existing, empty folder of ours: <c>SESSION/ws0</c>.</param>
    /// <param name="host">Absolute, canonical path of the host's folder.</param>
    /// <param name="at">Where the agent will see it.</param>
    /// <param name="hide">What it will not see.</param>
    /// <returns>The record, and whether <c>mask</c> is to be mounted above the host's folder.</returns>
    public static (WorkspaceRecord Record, bool HasMask) Create(string folder, string host, string at, HideRules hide)
    {
        using var own = Folder.Open(folder);
        using var lower = Folder.Open(host);
        var like = lower.Status();
        using var work = own.EnsureFolder(FileName.Of(Work));
        var mask = CreateMask(folder, host, hide);
        using var upper = own.EnsureFolder(FileName.Of(Upper));
        // The topmost layer lends the merged folder its own mode and owner.
        if (FileCalls.geteuid() == 0)
        {
            upper.SetOwner(like.Uid, like.Gid);
            // An idmapped mount lets nobody write to what belongs to an owner it does not map.
            work.SetOwner(like.Uid, like.Gid);
        }

        upper.SetMode(like.RawMode & 0xfff);
        return (new()
        {
            Host = host,
            At = at,
            Mode = WorkspaceMode.Overlay,
            Folder = folder,
            HostInode = like.Inode,
            // By the clock that stamps files: the kernel's coarse one runs behind the one that programs read.
            Since = upper.Status().Changed,
            Hidden = mask.Hidden + mask.Closed,
        }, mask.IsNeeded);
    }

    /// <summary>Makes the layer that hides, for an input.</summary>
    /// <param name="folder">An existing, empty folder of ours: <c>SESSION/in0</c>; <c>mask</c> is made in it when something is hidden.</param>
    /// <param name="host">Absolute, canonical path of a folder.</param>
    /// <param name="hide">What to hide.</param>
    public static MaskResult CreateMask(string folder, string host, HideRules hide)
    {
        if (hide.IsEmpty)
            return default;
        using var own = Folder.Open(folder);
        own.EnsureFolder(FileName.Of(Mask)).Dispose();
        var result = MaskLayer.Build(host, hide, Path.Combine(folder, Mask));
        if (!result.IsNeeded)
            FileTree.Remove(own, FileName.Of(Mask));
        return result;
    }

    /// <summary>Whether an input that is a file is hidden: a pattern matches its name.</summary>
    public static bool Hides(HideRules hide, string host) => hide.IsHidden(RelativePath.Root.Add(FileName.Of(Path.GetFileName(host))));
}
