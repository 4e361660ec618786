using System.Collections.Immutable;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Filesystem;

/// <summary>The three filesystem classes, and what is masked in the first two.</summary>
public sealed record FilesystemPolicy
{
    public required ImmutableArray<InputMount> Inputs { get; init; }

    public required ImmutableArray<WorkspaceMount> Workspaces { get; init; }

    public required ImmutableArray<ScratchMount> Scratch { get; init; }

    /// <summary>Whether the agent may change the image's own files; containers alone.</summary>
    public bool WritableRoot { get; init; }

    /// <summary>Paths relative to a mount's root (no leading slash) that the agent must not see.</summary>
    public required ImmutableArray<PathPattern> Hide { get; init; }
}

/// <summary>A host directory or file the agent may read. <c>Host</c> as written: may start with <c>~</c> or be relative to the policy file.</summary>
public sealed record InputMount(string Host, string At);

/// <summary>A host directory the agent may change, in a copy that a person reviews.</summary>
public sealed record WorkspaceMount(string Host, string At, WorkspaceMode Mode);

/// <summary>An empty tmpfs of at most <c>Size</c> bytes; programs are started from it only when <c>Exec</c>.</summary>
public sealed record ScratchMount(string At, long Size, bool Exec = false);

public enum WorkspaceMode
{
    Overlay,
    Worktree,
}
