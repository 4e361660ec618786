using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>Whole trees: what an agent made may be deep, locked by its modes, and large.</summary>
internal static class FileTree
{
    /// <summary>Folders one in another that any listing goes into; an ordinary tree has some ten.</summary>
    public const int MaxDepth = 4096;

    private const int FlatDepth = 32;

    /// <summary>Removes a name and all below it, if it is there. Opens modes on the way: for trees of ours alone.</summary>
    /// <param name="parent">Where it is.</param>
    /// <param name="name">A file, link or folder.</param>
    public static void Remove(Folder parent, FileName name)
    {
        if (parent.Status(name) is not { } status)
            return;
        if (status.Type != FileType.Folder)
        {
            parent.TryUnlink(name);
            return;
        }

        // What a container engine's overlay made for itself belongs to root and is empty: it can be removed, but not opened.
        if (parent.TryRemoveFolder(name) is 0 or ENOENT)
            return;
        parent.Unlock(name);
        using (var top = parent.OpenFolder(name))
        {
            if (top is not null)
                Empty(top);
        }

        if (parent.TryRemoveFolder(name) is not (0 or ENOENT) and var error)
            throw new SystemCallException($"remove {name}", error);
    }

    /// <summary>Copies a name and all below it: files, folders, links, and their modes. Sockets, pipes and devices are left out.</summary>
    public static void Copy(Folder from, FileName name, Folder to, FileName toName)
    {
        if (from.Status(name) is not { } status)
            return;
        if (status.Type != FileType.Folder)
        {
            CopyOne(from, name, status, to, toName);
            return;
        }

        using var source = from.OpenFolder(name) ?? throw new SystemCallException($"open {name}", ENOENT);
        using var target = to.EnsureFolder(toName);
        CopyFolder(source, target);
    }

    private static void CopyFolder(Folder source, Folder target)
    {
        var folders = new List<(RelativePath Path, FileStatus Status)> { (RelativePath.Root, source.Status()) };
        for (var i = 0; i < folders.Count; i++)
        {
            var path = folders[i].Path;
            using var from = source.OpenFolder(path) ?? throw new SystemCallException($"open {path}", ENOENT);
            using var to = target.OpenFolder(path) ?? throw new SystemCallException($"open {path}", ENOENT);
            foreach (var entry in from.List(int.MaxValue))
            {
                if (from.Status(entry.Name) is not { } status)
                    continue;
                if (status.Type == FileType.Folder)
                {
                    to.TryMakeFolder(entry.Name, 0x1c0);
                    folders.Add((path.Add(entry.Name), status));
                }
                else
                {
                    CopyOne(from, entry.Name, status, to, entry.Name);
                }
            }
        }

        // Last, and from below: a folder may be closed to its owner.
        for (var i = folders.Count - 1; i >= 0; i--)
        {
            using var to = target.OpenFolder(folders[i].Path) ?? throw new SystemCallException($"open {folders[i].Path}", ENOENT);
            if (geteuid() == 0)
                to.SetOwner(folders[i].Status.Uid, folders[i].Status.Gid);
            to.SetMode(folders[i].Status.RawMode & 0xfff);
        }
    }

    private static void CopyOne(Folder from, FileName name, FileStatus status, Folder to, FileName toName)
    {
        if (status.Type == FileType.Link)
        {
            to.MakeLink(toName, from.ReadLink(name) ?? []);
            OwnLike(to, toName, status);
        }
        else if (status.Type == FileType.File)
        {
            using var source = from.OpenFile(name) ?? throw new SystemCallException($"open {name}", ENOENT);
            using var target = to.CreateFile(toName);
            FileContent.Copy(source, target);
            OwnLike(to, toName, status);
            FileContent.SetMode(target, status.RawMode & 0xfff);
        }
    }

    // Folders that lie too deep are moved up before they are entered, so that neither descriptors nor the stack grow with the tree.
    private static void Empty(Folder top)
    {
        var moved = 0;
        for (var left = true; left;)
        {
            left = false;
            foreach (var entry in top.List(int.MaxValue))
                EmptyOne(top, entry.Name, top, 1, ref moved, ref left);
        }
    }

    private static void EmptyOne(Folder parent, FileName name, Folder top, int depth, ref int moved, ref bool left)
    {
        if (parent.Status(name) is not { } status)
            return;
        if (status.Type != FileType.Folder)
        {
            parent.TryUnlink(name);
            return;
        }

        if (parent.TryRemoveFolder(name) is 0 or ENOENT)
            return;
        parent.Unlock(name);
        if (depth == FlatDepth)
        {
            left = true;
            int error;
            do
                error = parent.TryMove(name, top, FileName.Of($"gatehouse-removing-{moved++}"));
            while (error == EEXIST);
            if (error != 0)
                throw new SystemCallException($"remove {name}", error);
            return;
        }

        using (var folder = parent.OpenFolder(name))
        {
            if (folder is null)
                return;
            foreach (var entry in folder.List(int.MaxValue))
                EmptyOne(folder, entry.Name, top, depth + 1, ref moved, ref left);
        }

        if (parent.TryRemoveFolder(name) is not (0 or ENOENT) and var failed)
            throw new SystemCallException($"remove {name}", failed);
    }

    // Only root can give files away, and needs to: it keeps what belongs to others.
    private static void OwnLike(Folder folder, FileName name, FileStatus status)
    {
        if (geteuid() == 0)
            folder.SetOwner(name, status.Uid, status.Gid);
    }
}
