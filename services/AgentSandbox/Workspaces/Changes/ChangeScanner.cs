using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;

namespace Gatehouse.AgentSandbox.Workspaces.Changes;

/// <summary>
/// Reads off an upper layer what a session changed. Only the upper layer is walked; the host's folder is asked for the names found there, so the time
/// follows the number of changes. Works on the layer of a running session too: what goes away meanwhile is left out.
/// </summary>
/// <remarks>The agent made every name, mode, link and depth in that layer.</remarks>
internal sealed class ChangeScanner
{
    /// <summary>More changes than anybody reviews; an agent that makes more gets its session discarded.</summary>
    public const int MaxEntries = 1_000_000;

    private readonly Folder _upper;
    private readonly Folder _host;
    private readonly HideRules _hide;
    private readonly bool _isCopy;
    private readonly CancellationToken _cancelled;
    private readonly ImmutableArray<Change>.Builder _changes = ImmutableArray.CreateBuilder<Change>();
    private readonly Stack<Visit> _pending = new();
    private int _seen;

    private ChangeScanner(Folder upper, Folder host, HideRules hide, bool isCopy, CancellationToken cancelled)
    {
        _upper = upper;
        _host = host;
        _hide = hide;
        _isCopy = isCopy;
        _cancelled = cancelled;
    }

    /// <returns>Ordered by path, each folder before what is in it.</returns>
    /// <exception cref="WorkspaceException">There are too many, too deep, or the layer was tampered with.</exception>
    public static ImmutableArray<Change> Scan(Folder upper, Folder host, HideRules hide, CancellationToken cancelled = default) =>
        Run(new(upper, host, hide, isCopy: false, cancelled));

    /// <summary>Compares a whole copy of the host's folder: what is not in it was deleted, and marks of OverlayFS are the agent's own and mean nothing.</summary>
    /// <inheritdoc cref="Scan"/>
    public static ImmutableArray<Change> ScanCopy(Folder copy, Folder host, HideRules hide, CancellationToken cancelled = default) =>
        Run(new(copy, host, hide, isCopy: true, cancelled));

    private static ImmutableArray<Change> Run(ChangeScanner scanner)
    {
        scanner.Walk();
        scanner._changes.Sort((left, right) => left.Path.CompareTo(right.Path));
        return scanner._changes.ToImmutable();
    }

    private void Walk()
    {
        _pending.Push(new(RelativePath.Root, _hide.Start, HasLower: true, IsOpaque: _isCopy));
        while (_pending.TryPop(out var visit))
        {
            _cancelled.ThrowIfCancellationRequested();
            using var folder = _upper.TryOpenFolder(visit.Path, out var error);
            if (folder is null)
            {
                if (!Folder.IsAbsent(error))
                    throw new Native.SystemCallException($"open {visit.Path} of the session's layer", error);
                continue;
            }

            Enter(visit, folder);
        }
    }

    private void Enter(Visit visit, Folder folder)
    {
        var marks = _isCopy ? default : OverlayMarks.Of(folder, visit.Path);
        visit = visit with { IsOpaque = visit.IsOpaque || marks.IsOpaque };
        using var lower = visit.HasLower ? _host.OpenFolder(visit.Path) : null;
        var entries = folder.List(MaxEntries);
        Count(entries.Count);
        if (visit.Path.Depth >= FileTree.MaxDepth)
            throw new WorkspaceException($"the session made folders more than {FileTree.MaxDepth} deep: too deep to be looked through; 'gatehouse discard' removes it");
        foreach (var entry in entries)
            Compare(visit, folder, lower, entry.Name, marks.MayHoldWhiteouts);
        if (visit.IsOpaque && lower is not null)
            AddUnseen(visit, lower, [.. entries.Select(entry => entry.Name)]);
    }

    private void Compare(Visit visit, Folder folder, Folder? lower, FileName name, bool mayHoldWhiteouts)
    {
        var path = visit.Path.Add(name);
        if (folder.Status(name) is not { } now)
            return;
        var marks = now.Type == FileType.File && !_isCopy ? OverlayMarks.Of(folder, name, path) : default;
        var state = visit.State is null ? null : _hide.Step(visit.State, name);
        // What was hidden from the agent is not what it changed: to it, there was nothing.
        var was = state is null ? null : lower?.Status(name);
        if ((now.IsWhiteoutDevice && !_isCopy) || (mayHoldWhiteouts && marks.IsWhiteout))
        {
            if (was is { } gone)
                _changes.Add(Deleted(path, gone));
            return;
        }

        var isClosed = now.Type == FileType.Folder && IsClosed(folder, name, now);
        var change = Describe(path, now, was, isHidden: state is null) with { IsUnreadable = isClosed };
        if (was is null || was.Value.Type != now.Type || isClosed)
            _changes.Add(change);
        else if (ContentChanged(folder, lower!, name, now, was.Value) is var content && (content || change.ModeChanged))
            _changes.Add(change with { ContentChanged = content });
        if (now.Type == FileType.Folder && !isClosed)
            _pending.Push(new(path, state, HasLower: was is { Type: FileType.Folder }, visit.IsOpaque));
    }

    // An opaque folder hides the host's: what is not in it was deleted.
    private void AddUnseen(Visit visit, Folder lower, HashSet<FileName> seen)
    {
        var entries = lower.List(MaxEntries);
        Count(entries.Count);
        foreach (var entry in entries)
        {
            if (!seen.Contains(entry.Name) && visit.State is not null && _hide.Step(visit.State, entry.Name) is not null && lower.Status(entry.Name) is { } gone
                // Sockets, pipes and devices are never copied.
                && !(_isCopy && gone.Type == FileType.Other))
                _changes.Add(Deleted(visit.Path.Add(entry.Name), gone));
        }
    }

    private void Count(int entries)
    {
        if ((_seen += entries) > MaxEntries)
            throw new WorkspaceException($"the session changed more than {MaxEntries:N0} paths: too many to be looked through; 'gatehouse discard' removes it");
    }

    private static bool IsClosed(Folder folder, FileName name, FileStatus status)
    {
        const uint readAndEnter = 0x140;
        if (FileCalls.geteuid() == 0 || (status.RawMode & readAndEnter) == readAndEnter)
            return false;
        using var opened = folder.TryOpenFolder(RelativePath.Root.Add(name), out var error);
        return opened is null ? error is FileCalls.EACCES : (status.RawMode & readAndEnter) != readAndEnter;
    }

    private static bool ContentChanged(Folder folder, Folder lower, FileName name, FileStatus now, FileStatus was)
    {
        switch (now.Type)
        {
            case FileType.File:
                if (now.Size != was.Size)
                    return true;
                using (var ours = folder.OpenFile(name, lend: true))
                using (var theirs = TryOpen(lower, name))
                    return ours is null || theirs is null || !FileContent.AreEqual(ours, theirs);
            case FileType.Link:
                return !folder.ReadLink(name).AsSpan().SequenceEqual(lower.ReadLink(name));
            case FileType.Other:
                return (now.RawMode & ~0xfffu, now.Represents) != (was.RawMode & ~0xfffu, was.Represents);
            default:
                return false;
        }
    }

    // Unreadable on the host: it may be another's. Shown as changed.
    private static Microsoft.Win32.SafeHandles.SafeFileHandle? TryOpen(Folder lower, FileName name)
    {
        try
        {
            return lower.OpenFile(name);
        }
        catch (Native.SystemCallException e) when (e.Error is FileCalls.EACCES or FileCalls.EPERM)
        {
            return null;
        }
    }

    private static Change Describe(RelativePath path, FileStatus now, FileStatus? was, bool isHidden) => new()
    {
        Path = path,
        Kind = was is null ? ChangeKind.Added : was.Value.Type != now.Type ? ChangeKind.TypeChanged : ChangeKind.Modified,
        Type = now.Type,
        OldType = was?.Type,
        Size = now.Type == FileType.File ? now.Size : 0,
        OldSize = was is { Type: FileType.File } ? was.Value.Size : 0,
        // A link has no permissions of its own.
        Mode = now.Type == FileType.Link ? 0x1ff : now.Permissions,
        OldMode = was is null ? null : was.Value.Type == FileType.Link ? 0x1ff : was.Value.Permissions,
        HasSpecialBits = now.Type == FileType.File && now.SpecialBits != 0,
        IsHidden = isHidden,
    };

    private static Change Deleted(RelativePath path, FileStatus was) => new()
    {
        Path = path,
        Kind = ChangeKind.Deleted,
        Type = was.Type,
        OldType = was.Type,
        OldSize = was.Type == FileType.File ? was.Size : 0,
        OldMode = was.Permissions,
    };

    /// <param name="Path">A folder of the upper layer.</param>
    /// <param name="State">How far the hide patterns have come; null when it is hidden.</param>
    /// <param name="HasLower">Whether the host's folder of that name was there for the agent.</param>
    /// <param name="IsOpaque">Whether it, or one above it, hides the host's folder.</param>
    private readonly record struct Visit(RelativePath Path, int[]? State, bool HasLower, bool IsOpaque);
}
