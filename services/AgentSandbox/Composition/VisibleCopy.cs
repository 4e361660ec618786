using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>Copies of folders, where no overlay can be mounted: what is hidden is not copied, and everything in the copy belongs to the agent.</summary>
internal sealed class VisibleCopy(Folder source, Folder target, HideRules hide, uint uid, uint gid)
{
    private int _seen;

    /// <summary>Names that were not copied; what is below them is not counted.</summary>
    public int Hidden { get; private set; }

    /// <summary>Fills an empty folder. Sockets, pipes and devices are left out, and so are set-user-id bits.</summary>
    /// <exception cref="WorkspaceException">There is too much, or it lies too deep.</exception>
    public void Run()
    {
        List<(RelativePath Path, int[] State, FileStatus Status)> folders = [(RelativePath.Root, hide.Start, source.Status())];
        for (var i = 0; i < folders.Count; i++)
        {
            var (path, state, _) = folders[i];
            using var from = source.OpenFolder(path);
            using var to = target.OpenFolder(path);
            // Gone since it was listed.
            if (from is null || to is null)
                continue;
            var entries = from.List(ChangeScanner.MaxEntries);
            if ((_seen += entries.Count) > ChangeScanner.MaxEntries || path.Depth >= FileTree.MaxDepth)
                throw new WorkspaceException($"the folder holds more than {ChangeScanner.MaxEntries:N0} paths, or they lie deeper than {FileTree.MaxDepth} (at {path}): name a narrower one");
            foreach (var entry in entries)
            {
                if (hide.Step(state, entry.Name) is not { } next)
                    Hidden++;
                else if (from.Status(entry.Name) is { } status)
                    Add(from, to, path, entry.Name, next, status, folders);
            }
        }

        // Last, and from below: a folder may be closed to its owner.
        for (var i = folders.Count - 1; i >= 0; i--)
        {
            using var to = target.OpenFolder(folders[i].Path);
            to?.SetOwner(uid, gid);
            to?.SetMode(folders[i].Status.Permissions);
        }
    }

    /// <summary>Empties a folder that an agent had, and that is a mount of its own.</summary>
    public static void Empty(Folder folder)
    {
        // However many there are: what an agent left must not keep the next session from beginning.
        foreach (var entry in folder.List(int.MaxValue))
            FileTree.Remove(folder, entry.Name);
    }

    private void Add(Folder from, Folder to, RelativePath path, FileName name, int[] state, FileStatus status, List<(RelativePath, int[], FileStatus)> folders)
    {
        switch (status.Type)
        {
            case FileType.Folder:
                to.TryMakeFolder(name, 0x1c0);
                folders.Add((path.Add(name), state, status));
                break;
            case FileType.Link:
                to.MakeLink(name, from.ReadLink(name) ?? []);
                to.SetOwner(name, uid, gid);
                break;
            case FileType.File:
                Copy(from, to, name, status.Permissions);
                to.SetOwner(name, uid, gid);
                break;
        }
    }

    internal static void Copy(Folder from, Folder to, FileName name, uint permissions)
    {
        using var content = from.OpenFile(name) ?? throw new SystemCallException($"open {name}", FileCalls.ENOENT);
        using var copy = to.CreateFile(name);
        FileContent.Copy(content, copy);
        FileContent.SetMode(copy, permissions);
    }
}
