using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>
/// What an agent changed in its copy of a folder, kept as an overlay's upper layer would: so that it is reviewed, applied and thrown away by the same
/// commands, after the copy is gone.
/// </summary>
internal sealed class CollectedChanges(Folder copy, Folder upper)
{
    /// <summary>Writes down every difference between the agent's copy and the host's folder.</summary>
    /// <param name="record">Whose layer is filled; what stood in it is replaced.</param>
    /// <param name="workspace">Which of its workspaces.</param>
    /// <param name="copyPath">The agent's copy; nobody writes to it any more.</param>
    /// <exception cref="WorkspaceException">There are too many.</exception>
    public static void Collect(SessionRecord record, WorkspaceRecord workspace, string copyPath)
    {
        using var copy = Folder.Open(copyPath);
        using var host = Folder.Open(workspace.Host);
        using var own = Folder.Open(workspace.Folder);
        FileTree.Remove(own, FileName.Of(OverlayWorkspace.Upper));
        using var upper = own.EnsureFolder(FileName.Of(OverlayWorkspace.Upper));
        upper.SetMode(copy.Status().Permissions);
        var collected = new CollectedChanges(copy, upper);
        foreach (var change in ChangeScanner.ScanCopy(copy, host, record.HideRules()))
            collected.Add(change);
    }

    private void Add(Change change)
    {
        using var to = Ensure(change.Path.Parent!);
        var name = change.Path.Name;
        if (change.Kind == ChangeKind.Deleted)
        {
            to.MakeWhiteout(name);
            return;
        }

        using var from = copy.OpenFolder(change.Path.Parent!);
        if (from?.Status(name) is not { } status || status.Type != change.Type)
            return;
        switch (status.Type)
        {
            case FileType.Folder:
                Ensure(change.Path).Dispose();
                break;
            case FileType.Link:
                to.MakeLink(name, from.ReadLink(name) ?? []);
                break;
            case FileType.File:
                VisibleCopy.Copy(from, to, name, status.Permissions);
                break;
        }
    }

    private Folder Ensure(RelativePath path)
    {
        foreach (var each in path.Ancestors().Reverse().Append(path))
        {
            if (each.Parent is not { } parent)
                continue;
            using var folder = Open(parent);
            using var like = copy.OpenFolder(each);
            if (!folder.TryMakeFolder(each.Name, 0x1c0) || like is null)
                continue;
            using var made = Open(each);
            // Applying asks what a folder may be entered by, not only what is in it.
            made.SetMode(like.Status().Permissions);
        }

        return Open(path);
    }

    private Folder Open(RelativePath path) => upper.OpenFolder(path) ?? throw new WorkspaceException($"{path} of the session's layer went away");
}
