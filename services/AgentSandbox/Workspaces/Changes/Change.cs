using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Changes;

internal enum ChangeKind
{
    Added,
    Modified,
    Deleted,

    /// <summary>A file became a folder, a folder a link, …</summary>
    TypeChanged,
}

/// <summary>One path that is not what it is on the host. A deleted folder stands for all that was in it; an added one does not: each path in it is a change.</summary>
internal sealed record Change
{
    public required RelativePath Path { get; init; }

    public required ChangeKind Kind { get; init; }

    /// <summary>What it is in the session; for <see cref="ChangeKind.Deleted"/>, what it was.</summary>
    public required FileType Type { get; init; }

    /// <summary>What it is on the host; null when it is not there.</summary>
    public FileType? OldType { get; init; }

    /// <summary>Bytes in the session; 0 for what is no file, or deleted.</summary>
    public long Size { get; init; }

    /// <summary>Bytes on the host.</summary>
    public long OldSize { get; init; }

    /// <summary>Permission bits in the session.</summary>
    public uint Mode { get; init; }

    /// <summary>Permission bits on the host; null when it is not there.</summary>
    public uint? OldMode { get; init; }

    /// <summary>Set-user-id, set-group-id or sticky in the session. Never applied.</summary>
    public bool HasSpecialBits { get; init; }

    /// <summary>For <see cref="ChangeKind.Modified"/>: other bytes, or another target. False when only the permissions are others.</summary>
    public bool ContentChanged { get; init; }

    /// <summary>A <c>hide:</c> pattern kept the host's file of that name from the agent, so this is not a change of it.</summary>
    public bool IsHidden { get; init; }

    /// <summary>A folder whose mode keeps even its owner out: what is in it is unknown.</summary>
    public bool IsUnreadable { get; init; }

    public bool ModeChanged => OldMode is { } old && old != Mode && Kind == ChangeKind.Modified;
}
