using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>What an apply would do to one workspace.</summary>
/// <param name="Steps">In order: a folder before what comes into it.</param>
/// <param name="Held">Left for a person to name.</param>
/// <param name="Conflicts">Changed on the host meanwhile; while there are any, only a forced apply goes on.</param>
internal sealed record ApplyPlan(ImmutableArray<PlannedChange> Steps, ImmutableArray<HeldChange> Held, ImmutableArray<Conflict> Conflicts);

/// <param name="Change">What the session did.</param>
/// <param name="Step">What will be done on the host.</param>
internal sealed record PlannedChange(Change Change, ApplyStep Step);

internal enum StepAction
{
    /// <summary>A folder is there, with this mode.</summary>
    Folder,
    File,
    Link,
    Delete,
}

/// <summary>One thing to do on the host, as the journal keeps it.</summary>
/// <param name="Number">From 0; names the old version in the journal's folder.</param>
/// <param name="Path">Below the workspace.</param>
/// <param name="Action">What to make of it.</param>
/// <param name="Mode">Permission bits it gets; 0 for links and what is deleted.</param>
/// <param name="Expected">What is there before; null for nothing.</param>
internal sealed record ApplyStep(
    int Number, RelativePath Path, StepAction Action, uint Mode, FileIdentity? Expected);

/// <summary>Enough to know a version of a file again. Not the time of its inode: keeping an old version by a second name changes that.</summary>
internal sealed record FileIdentity(FileType Type, ulong Inode, long Size, FileTime Modified, uint Mode)
{
    public static FileIdentity Of(FileStatus status) => new(status.Type, status.Inode, status.Size, status.Modified, status.RawMode & 0xfff);

    /// <summary>Folders are known by their inode alone: what comes and goes in them is no other version.</summary>
    public bool Matches(FileStatus status) =>
        Type == status.Type && Inode == status.Inode && (Type == FileType.Folder || (Size == status.Size && Modified == status.Modified));
}
