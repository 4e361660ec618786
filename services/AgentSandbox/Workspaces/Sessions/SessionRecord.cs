using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Workspaces.Sessions;

/// <summary>
/// What is known of one session after its end: <c>session.json</c> in its folder, mode 0600. Written by the launcher at the start, then by every
/// command that changes its state.
/// </summary>
internal sealed record SessionRecord
{
    public const int CurrentVersion = 1;

    /// <summary>Of this file's shape.</summary>
    public int Version { get; init; } = CurrentVersion;

    public required string Id { get; init; }

    public required SessionState State { get; init; }

    public required DateTimeOffset Started { get; init; }

    public DateTimeOffset? Ended { get; init; }

    /// <summary>The agent's program and its arguments.</summary>
    public required ImmutableArray<string> Command { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>Absolute path of the policy in force; null for the built-in one.</summary>
    public string? Policy { get; init; }

    /// <summary><c>filesystem.hide</c> as written.</summary>
    public required ImmutableArray<string> Hide { get; init; }

    public required ImmutableArray<WorkspaceRecord> Workspaces { get; init; }

    /// <summary>
    /// What the agent changed in its container's own root, as the engine's <c>diff</c> says it (<c>A</c>, <c>C</c> or <c>D</c>, then a path): it was thrown away
    /// with the container. Empty where the root was read-only.
    /// </summary>
    public ImmutableArray<string> RootChanges { get; init; } = [];

    /// <summary>The launcher died before it could say that the session ended. Found out, not stored.</summary>
    [JsonIgnore]
    public bool IsInterrupted { get; init; }

    public HideRules HideRules() => Hiding.HideRules.Parse(Hide);
}

/// <summary>One workspace of a session.</summary>
internal sealed record WorkspaceRecord
{
    /// <summary>Absolute, canonical.</summary>
    public required string Host { get; init; }

    /// <summary>Where the agent saw it.</summary>
    public required string At { get; init; }

    public required WorkspaceMode Mode { get; init; }

    /// <summary>Absolute path of its part of the session's folder: <c>…/ws0</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>The host folder's own identity, so that another one in its place is noticed.</summary>
    public required ulong HostInode { get; init; }

    /// <summary>The kernel's time when the session began: what changed on the host later is a conflict.</summary>
    public required FileTime Since { get; init; }

    /// <summary>Names kept from the agent.</summary>
    public int Hidden { get; init; }

    /// <summary>Worktrees only.</summary>
    public WorktreeRecord? Worktree { get; init; }
}

/// <summary>The branch of a worktree workspace.</summary>
internal sealed record WorktreeRecord
{
    /// <summary>Absolute path of the repository's common git directory.</summary>
    public required string GitDirectory { get; init; }

    /// <summary>Path of the workspace within the repository; empty for its root.</summary>
    public required string Prefix { get; init; }

    /// <summary><c>agent/SESSION</c></summary>
    public required string Branch { get; init; }

    /// <summary>Object id that the session started from.</summary>
    public required string Base { get; init; }

    /// <summary>Object id of what the agent left; null until it is committed, and when it changed nothing.</summary>
    public string? Commit { get; init; }

    /// <summary>Whether what the agent left has been looked at and, if need be, committed.</summary>
    public bool IsFinished { get; init; }
}

internal enum SessionState
{
    Running,

    /// <summary>Over, with what it changed not yet applied, or applied in part.</summary>
    Ended,

    /// <summary>An apply began and did not end: running it again finishes it.</summary>
    Applying,

    /// <summary>An undo began and did not end: likewise.</summary>
    Undoing,

    Applied,

    Discarded,
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SessionRecord))]
internal sealed partial class SessionJson : JsonSerializerContext;
