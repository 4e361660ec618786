using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// What differs between the commit a session started from and the folder it left. Files are compared by what git would call them, the hash of their
/// bytes: no time stamp, index or filter has a say.
/// </summary>
/// <param name="tree">The folder the agent had.</param>
/// <param name="entries">The commit's files.</param>
/// <param name="hide">What the agent did not get; neither missing nor changed.</param>
/// <param name="ignored">What a commit leaves out.</param>
internal sealed class WorktreeScanner(Folder tree, SortedDictionary<RelativePath, GitEntry> entries, HideRules hide, IgnoreRules ignored)
{
    private readonly ImmutableArray<Change>.Builder _changes = ImmutableArray.CreateBuilder<Change>();
    private readonly HashSet<RelativePath> _seen = [];
    private readonly HashSet<RelativePath> _folders = [.. entries.Keys.SelectMany(path => path.Ancestors())];
    private int _count;

    /// <summary>Files and links, by path: git keeps no folders, nor pipes, sockets and devices. Nested repositories' own files are left out.</summary>
    public ImmutableArray<Change> Scan()
    {
        var pending = new Stack<(RelativePath Path, int[] State)>([(RelativePath.Root, hide.Start)]);
        while (pending.TryPop(out var next))
        {
            using var folder = tree.TryOpenFolder(next.Path, out var error);
            if (folder is null)
            {
                if (Folder.IsAbsent(error))
                    continue;
                throw new WorkspaceException($"{next.Path} of the worktree can not be looked into: give its owner the right to read it ('chmod u+rx')");
            }

            var names = folder.List(ChangeScanner.MaxEntries);
            if ((_count += names.Count) > ChangeScanner.MaxEntries || next.Path.Depth >= FileTree.MaxDepth)
                throw new WorkspaceException("the session left more files than can be looked through: 'gatehouse discard' removes them");
            foreach (var entry in names)
            {
                if (!entry.Name.Is(".git") && hide.Step(next.State, entry.Name) is { } state && Look(folder, next.Path.Add(entry.Name), entry.Name))
                    pending.Push((next.Path.Add(entry.Name), state));
            }
        }

        foreach (var (path, entry) in entries)
        {
            if (entry.Mode != GitEntry.Submodule && !_seen.Contains(path) && !hide.IsHidden(path))
                _changes.Add(new() { Path = path, Kind = ChangeKind.Deleted, Type = TypeOf(entry), OldType = TypeOf(entry), OldMode = ModeOf(entry) });
        }

        _changes.Sort((left, right) => left.Path.CompareTo(right.Path));
        return _changes.ToImmutable();
    }

    // Whether it is a folder to go into.
    private bool Look(Folder folder, RelativePath path, FileName name)
    {
        if (folder.Status(name) is not { Type: not FileType.Other } status)
            return false;
        var isTracked = entries.TryGetValue(path, out var was);
        if (status.Type == FileType.Folder)
            return !(isTracked && was.Mode == GitEntry.Submodule) && (_folders.Contains(path) || !ignored.IsIgnored(path, isFolder: true));
        if (isTracked)
            _seen.Add(path);
        else if (ignored.IsIgnored(path, isFolder: false))
            return false;
        var mode = status.Type == FileType.Link ? GitEntry.Link : (status.RawMode & 0x40) != 0 ? GitEntry.Executable : GitEntry.Plain;
        var isSame = isTracked && TypeOf(was) == status.Type && was.Mode != GitEntry.Submodule && Hash(folder, name, status, was.Id.Length) == was.Id;
        if (isSame && mode == was.Mode)
            return false;
        _changes.Add(new()
        {
            Path = path,
            Kind = !isTracked ? ChangeKind.Added : TypeOf(was) != status.Type ? ChangeKind.TypeChanged : ChangeKind.Modified,
            Type = status.Type,
            OldType = isTracked ? TypeOf(was) : null,
            Size = status.Type == FileType.File ? status.Size : 0,
            Mode = ModeOf(new(mode, "")),
            OldMode = isTracked ? ModeOf(was) : null,
            ContentChanged = isTracked && !isSame,
        });
        return false;
    }

    private static FileType TypeOf(GitEntry entry) =>
        entry.Mode switch { GitEntry.Link => FileType.Link, GitEntry.Submodule => FileType.Folder, _ => FileType.File };

    private static uint ModeOf(GitEntry entry) => entry.Mode switch { GitEntry.Executable => 0x1ed, GitEntry.Link => 0x1ff, _ => 0x1a4 };

    // Git's name for a blob: the hash of "blob SIZE\0" and its bytes.
    private static string? Hash(Folder folder, FileName name, FileStatus status, int digits)
    {
        using var hash = IncrementalHash.CreateHash(digits == 64 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (status.Type == FileType.Link)
        {
            var target = folder.ReadLink(name);
            hash.AppendData(Encoding.ASCII.GetBytes($"blob {target?.Length}\0"));
            hash.AppendData(target ?? []);
        }
        else
        {
            using var file = folder.OpenFile(name, lend: true);
            if (file is null)
                return null;
            AppendFile(hash, file);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendFile(IncrementalHash hash, SafeFileHandle file)
    {
        hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {RandomAccess.GetLength(file)}\0")));
        var buffer = new byte[128 * 1024];
        for (long at = 0; RandomAccess.Read(file, buffer, at) is > 0 and var read; at += read)
            hash.AppendData(buffer, 0, read);
    }
}
