using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// A workspace that is a commit's files in a folder of ours, <c>SESSION/ws0/tree</c>, mounted as it is. There is no <c>.git</c> in it: the agent has no
/// road to the repository. It may make one of its own; that is not recorded. What it leaves becomes one commit on <c>agent/SESSION</c>.
/// </summary>
internal static class WorktreeWorkspace
{
    public const string Tree = "tree";

    /// <summary>Makes branch and folder for a session that is about to start.</summary>
    /// <param name="folder">An existing, empty folder of ours: <c>SESSION/ws0</c>.</param>
    /// <param name="session">Its id; names the branch.</param>
    /// <param name="host">Absolute, canonical; in the working tree of a repository.</param>
    /// <param name="at">Where the agent will see it.</param>
    /// <param name="hide">What will not be in it.</param>
    /// <exception cref="WorkspaceException">There is no repository, no commit, or no room for the branch.</exception>
    public static WorkspaceRecord Create(string folder, string session, string host, string at, HideRules hide)
    {
        var (repository, prefix, head) = GitCommand.Discover(host);
        var branch = $"agent/{session}";
        using var own = Folder.Open(folder);
        using var origin = Folder.Open(host);
        var like = origin.Status();
        var entries = GitTree.Read(repository, head, prefix);
        var shown = entries.Where(entry => !hide.IsHidden(entry.Key)).ToList();
        FileTree.Remove(own, FileName.Of(Tree));
        using var tree = own.EnsureFolder(FileName.Of(Tree));
        using (var checkout = new Checkout(repository, tree, like))
            checkout.Write(shown);
        if (FileCalls.geteuid() == 0)
            tree.SetOwner(like.Uid, like.Gid);
        tree.SetMode(0x1ed);
        // An old value of zeros: only if there is no such branch.
        repository.Run("update-ref", "-m", "gatehouse: session began", $"refs/heads/{branch}", head, new string('0', head.Length));
        return new()
        {
            Host = host,
            At = at,
            Mode = WorkspaceMode.Worktree,
            Folder = folder,
            HostInode = like.Inode,
            Since = tree.Status().Changed,
            Hidden = entries.Count - shown.Count,
            Worktree = new() { GitDirectory = repository.GitDirectory, Prefix = prefix, Branch = branch, Base = head },
        };
    }

    /// <summary>Ordered by path. Works while the session runs. What <c>.gitignore</c> names is left out.</summary>
    public static ImmutableArray<Change> Changes(WorkspaceRecord workspace, HideRules hide)
    {
        var worktree = workspace.Worktree!;
        using var tree = Open(workspace);
        var repository = new GitCommand(worktree.GitDirectory);
        using var ignored = new IgnoreRules(repository, Path.Combine(workspace.Folder, Tree));
        return new WorktreeScanner(tree, GitTree.Read(repository, worktree.Base, worktree.Prefix), hide, ignored).Scan();
    }

    /// <summary>Commits what a session left; without a change, removes its branch. Can be repeated.</summary>
    /// <returns>The record to save; an overlay's comes back as it is.</returns>
    public static WorkspaceRecord Finish(WorkspaceRecord workspace, HideRules hide)
    {
        if (workspace.Worktree is not { IsFinished: false } worktree)
            return workspace;
        var repository = new GitCommand(worktree.GitDirectory);
        var changes = Changes(workspace, hide);
        string? commit = null;
        if (changes.IsEmpty)
        {
            DeleteBranch(repository, worktree.Branch, worktree.Base);
        }
        else
        {
            using var tree = Open(workspace);
            commit = CommitWriter.Write(repository, tree, worktree, changes);
        }

        return workspace with { Worktree = worktree with { Commit = commit, IsFinished = true } };
    }

    /// <summary>Old and new bytes of a change, for a diff; null for none, or for more than <paramref name="limit"/>.</summary>
    public static (byte[]? Old, byte[]? New) Contents(WorkspaceRecord workspace, Change change, int limit)
    {
        var worktree = workspace.Worktree!;
        var path = worktree.Prefix.Length == 0 ? [.. change.Path.Bytes] : (byte[])[.. Encoding.UTF8.GetBytes(worktree.Prefix + '/'), .. change.Path.Bytes];
        var repository = new GitCommand(worktree.GitDirectory);
        byte[]? old = null;
        // A name that is no text can not be an argument of ours.
        if (change.OldType is FileType.File or FileType.Link && Encoding.UTF8.GetString(path) is var name && Encoding.UTF8.GetBytes(name).AsSpan().SequenceEqual(path))
        {
            var size = Encoding.ASCII.GetString(repository.Run("cat-file", "-s", $"{worktree.Base}:{name}")).Trim();
            if (long.Parse(size, CultureInfo.InvariantCulture) <= limit)
                old = repository.Run("cat-file", "blob", $"{worktree.Base}:{name}");
        }

        using var tree = Open(workspace);
        return (old, FileContent.Of(tree, change.Path, change.Kind == ChangeKind.Deleted ? null : change.Type, limit, lend: true));
    }

    /// <summary>What a person does to take the changes over.</summary>
    public static string HowToApply(WorkspaceRecord workspace) => workspace.Worktree is { Commit: not null } worktree
        ? $"the changes are one commit on branch {worktree.Branch}: 'git -C {workspace.Host} diff {worktree.Base[..12]} {worktree.Branch}' shows, 'git -C {workspace.Host} merge {worktree.Branch}' takes them over"
        : "the session left no change to take over";

    /// <summary>Removes folder and branch, whose commit git then forgets in time. Can be repeated.</summary>
    /// <returns>False when the branch was kept, as somebody else moved it on.</returns>
    public static bool Discard(WorkspaceRecord workspace)
    {
        var worktree = workspace.Worktree!;
        OverlayReview.Discard(workspace);
        var repository = new GitCommand(worktree.GitDirectory);
        return DeleteBranch(repository, worktree.Branch, worktree.Commit ?? worktree.Base);
    }

    private static bool DeleteBranch(GitCommand repository, string branch, string expected) =>
        !Directory.Exists(repository.GitDirectory)
        || !repository.TryRun("rev-parse", "--verify", "--quiet", $"refs/heads/{branch}")
        || repository.TryRun("update-ref", "-d", $"refs/heads/{branch}", expected);

    private static Folder Open(WorkspaceRecord workspace)
    {
        using var own = Folder.OpenIfPresent(workspace.Folder);
        return own?.OpenFolder(FileName.Of(Tree)) ?? throw new WorkspaceException($"{workspace.Folder} holds no worktree any more: the session was discarded");
    }
}
