using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>What a session left, in one line.</summary>
internal static class SessionReview
{
    /// <returns>The record, and what there is to review.</returns>
    public static (SessionRecord Record, LeftChanges Changes) Finish(SessionRecord record)
    {
        var counts = new Dictionary<ChangeKind, int>();
        foreach (var workspace in record.Workspaces.Where(workspace => workspace.Mode == WorkspaceMode.Overlay))
        {
            using var upper = Folder.Open(Path.Combine(workspace.Folder, Workspaces.OverlayWorkspace.Upper));
            using var host = Folder.Open(workspace.Host);
            foreach (var change in ChangeScanner.Scan(upper, host, record.HideRules()))
                counts[change.Kind] = counts.GetValueOrDefault(change.Kind) + 1;
        }

        record = record with { Workspaces = [.. record.Workspaces.Select(workspace => workspace.Mode == WorkspaceMode.Worktree ? WorktreeWorkspace.Finish(workspace, record.HideRules()) : workspace)] };
        var branches = record.Workspaces.Where(workspace => workspace.Worktree?.Commit is not null).Select(workspace => "committed onto " + workspace.Worktree!.Branch);
        return (record, new(string.Join(", ", counts.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} {Word(pair.Key)}").Concat(branches)), counts.Values.Sum()));
    }

    private static string Word(ChangeKind kind) => kind == ChangeKind.TypeChanged ? "of another type" : kind.ToString().ToLowerInvariant();
}

/// <param name="Summary">In words; empty when nothing changed.</param>
/// <param name="Waiting">Changes that can be applied or thrown away; null when they could not be looked at.</param>
internal readonly record struct LeftChanges(string Summary, int? Waiting);
