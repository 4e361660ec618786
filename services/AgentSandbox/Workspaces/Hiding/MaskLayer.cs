using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Hiding;

/// <summary>
/// Builds the layer that goes above a host folder: a whiteout for each name that is hidden, in folders that look like the host's, as the topmost layer
/// lends a merged folder its mode, owner and time. No content is read or copied.
/// </summary>
internal sealed class MaskLayer : IDisposable
{
    /// <summary>Five times the files of a large home folder.</summary>
    private const int MaxEntries = 10_000_000;

    private readonly Folder _host;
    private readonly Folder _mask;
    private readonly HideRules _rules;
    private readonly Dictionary<RelativePath, FileStatus> _made = [];
    private int _hidden, _closed;

    private MaskLayer(Folder host, Folder mask, HideRules rules)
    {
        _host = host;
        _mask = mask;
        _rules = rules;
    }

    /// <summary>Walks <paramref name="host"/> by names alone.</summary>
    /// <param name="host">Absolute, canonical; a folder.</param>
    /// <param name="rules">What to hide.</param>
    /// <param name="mask">An existing empty folder of ours.</param>
    /// <exception cref="WorkspaceException">The host folder is too large or too deep to be looked through.</exception>
    public static MaskResult Build(string host, HideRules rules, string mask)
    {
        if (rules.IsEmpty)
            return default;
        using var layer = new MaskLayer(Folder.Open(host), Folder.Open(mask), rules);
        layer.Walk();
        layer.DressFolders();
        return new(layer._hidden, layer._closed);
    }

    public void Dispose()
    {
        _host.Dispose();
        _mask.Dispose();
    }

    private void Walk()
    {
        var pending = new Stack<(RelativePath Path, int[] State)>();
        pending.Push((RelativePath.Root, _rules.Start));
        for (var seen = 0; pending.TryPop(out var next);)
        {
            using var folder = _host.TryOpenFolder(next.Path, out var error);
            if (folder is null)
            {
                // What can not be looked through could hold something to hide; the agent may run as an owner who can open it.
                if (error is EACCES or EPERM)
                    Hide(next.Path, ref _closed);
                else if (error is EXDEV)
                    throw new WorkspaceException($"another file system is mounted at {next.Path}, so it can not be looked through for 'hide:' patterns: name a folder without, or unmount it");
                else if (!Folder.IsAbsent(error))
                    throw new SystemCallException($"open {next.Path}", error);
                continue;
            }

            var entries = folder.List(MaxEntries);
            seen += entries.Count;
            if (seen > MaxEntries || next.Path.Depth >= FileTree.MaxDepth)
                throw new WorkspaceException($"the folder is too large to be looked through for 'hide:' patterns (at {next.Path}): name a narrower one");
            foreach (var entry in entries)
            {
                if (_rules.Step(next.State, entry.Name) is not { } state)
                    Hide(next.Path.Add(entry.Name), ref _hidden);
                else if (state.Length > 0 && (entry.Type ?? folder.Status(entry.Name)?.Type) == FileType.Folder)
                    pending.Push((next.Path.Add(entry.Name), state));
            }
        }
    }

    private void Hide(RelativePath path, ref int count)
    {
        if (path.Parent is not { } parent)
            throw new WorkspaceException("the folder itself may not be listed, so nothing in it can be hidden: give its owner the right to read it");
        EnsureFolder(parent);
        using var folder = Open(parent);
        folder.MakeWhiteout(path.Name);
        count++;
    }

    private void EnsureFolder(RelativePath path)
    {
        foreach (var each in path.Ancestors().Reverse().Prepend(RelativePath.Root).Append(path))
        {
            if (_made.ContainsKey(each))
                continue;
            using var like = _host.OpenFolder(each) ?? throw new WorkspaceException($"{each} went away while it was looked through: try again");
            if (each.Parent is { } parent)
            {
                using var folder = Open(parent);
                folder.TryMakeFolder(each.Name, 0x1c0);
            }

            _made.Add(each, like.Status());
        }
    }

    // Last, and from below: a closed folder could not be filled, and filling it would set its time.
    private void DressFolders()
    {
        foreach (var (path, like) in _made.OrderByDescending(each => each.Key))
        {
            using var folder = Open(path);
            if (geteuid() == 0)
                folder.SetOwner(like.Uid, like.Gid);
            folder.SetMode(like.RawMode & 0xfff);
            folder.SetModified(like.Modified);
        }
    }

    private Folder Open(RelativePath path) => _mask.OpenFolder(path) ?? throw new WorkspaceException($"{path} of the layer of whiteouts went away");
}

/// <param name="Hidden">Names that matched; what is below them is not counted.</param>
/// <param name="Closed">Folders hidden because they could not be looked through.</param>
internal readonly record struct MaskResult(int Hidden, int Closed)
{
    public bool IsNeeded => Hidden + Closed > 0;
}
