using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>Decides what is held back unless a person names it: what would run code on the host, alter Gatehouse, or follow from what the agent could not see.</summary>
/// <param name="upper">The session's layer.</param>
/// <param name="host">The workspace.</param>
/// <param name="hostPath">Its absolute path.</param>
/// <param name="policyPath">Absolute path of the policy in force; null for none.</param>
/// <param name="hide">What the agent did not see.</param>
internal sealed class Protection(Folder upper, Folder host, string hostPath, string? policyPath, HideRules hide)
{
    private const string Git = ".git", PolicyFile = "gatehouse.yaml";

    /// <summary>What git writes in everyday use, and never executes or takes orders from (gitrepository-layout(5)). All else in a repository is control.</summary>
    private static readonly string[] s_gitData =
        ["objects", "refs", "logs", "HEAD", "index", "ORIG_HEAD", "packed-refs", "COMMIT_EDITMSG", "FETCH_HEAD", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "MERGE_RR", "MERGE_AUTOSTASH"];

    private readonly RelativePath? _policy = PolicyBelow(hostPath, policyPath);

    /// <returns>Null when it may be applied with the rest.</returns>
    public HeldChange? Hold(Change change)
    {
        if (change.Kind != ChangeKind.Deleted && change.Type == FileType.Other)
            return new(change, HoldReason.SpecialFile);
        if (change.IsUnreadable)
            return new(change, HoldReason.Unreadable);
        if (OfPath(change.Path) is { } reason)
            return new(change, reason);
        if (IsGitFolderItself(change) || IsLinkInGit(change))
            return new(change, HoldReason.GitControl);
        if (change.Kind != ChangeKind.Deleted && change.Type == FileType.Link && IsEscaping(change.Path))
            return new(change, HoldReason.EscapingLink);
        return change.OldType == FileType.Folder && change.Kind is ChangeKind.Deleted or ChangeKind.TypeChanged && ProtectedBelow(change.Path) is { } inner
            ? new(change, HoldReason.HoldsProtected, inner)
            : null;
    }

    /// <summary>
    /// Whether naming <paramref name="named"/> means this held change too: the path itself, a new folder that it needs, or what is in a named folder
    /// that is held for the same reason.
    /// </summary>
    public bool Lifts(RelativePath named, HeldChange held) => held.CanBeNamed
        && (named.Equals(held.Change.Path)
            || (held.Change is { Type: FileType.Folder, Kind: ChangeKind.Added } && named.IsWithin(held.Change.Path))
            || (held.Change.Path.IsWithin(named) && (OfPath(named) == held.Reason || (held.Reason == HoldReason.GitControl && IsGit(named)))));

    private static bool IsGit(RelativePath path) => !path.IsRoot && path.Name.Is(Git);

    private HoldReason? OfPath(RelativePath path)
    {
        if (path.IsRoot)
            return null;
        if (hide.IsHidden(path))
            return HoldReason.Hidden;
        if (path.Name.Is(PolicyFile) || path.Equals(_policy))
            return HoldReason.Policy;
        return IsGitControl(path) || IsBareGitControl(path) ? HoldReason.GitControl : null;
    }

    // A repository may be nested anywhere, and in another's git directory (modules/).
    private static bool IsGitControl(RelativePath path)
    {
        var names = path.Components().ToList();
        for (var i = 0; i < names.Count - 1; i++)
        {
            if (names[i].Is(Git) && !IsGitData(names.Skip(i + 1)))
                return true;
        }

        return false;
    }

    private static bool IsGitData(IEnumerable<FileName> names)
    {
        var below = names.ToList();
        // Alternates name folders of others to read objects from.
        return s_gitData.Any(data => below[0].Bytes.SequenceEqual(System.Text.Encoding.ASCII.GetBytes(data)))
            && !(below is [_, var info, var file] && info.Is("info") && (file.Is("alternates") || file.Is("http-alternates")));
    }

    // Git takes any folder with these three for a repository, also without ".git" (gitrepository-layout(5)).
    private bool IsBareGitControl(RelativePath path)
    {
        foreach (var at in path.Ancestors().Prepend(path))
        {
            if ((at.Name.Is("config") || at.Name.Is("config.worktree") || at.Name.Is("hooks")) && !IsGit(at.Parent!) && IsGitDirectory(at.Parent!))
                return true;
        }

        return false;
    }

    private bool IsGitDirectory(RelativePath path) =>
        Has(path, "HEAD", FileType.File) && Has(path, "objects", FileType.Folder) && Has(path, "refs", FileType.Folder);

    private bool Has(RelativePath path, string name, FileType type)
    {
        foreach (var side in new[] { upper, host })
        {
            using var folder = side.TryOpenFolder(path, out _);
            if (folder?.Status(FileName.Of(name)) is { } status && status.Type == type)
                return true;
        }

        return false;
    }

    // A new repository's folder may come; a file or link in its place points elsewhere, and its end is the end of a history.
    private static bool IsGitFolderItself(Change change) =>
        IsGit(change.Path) && !(change.Type == FileType.Folder && change.Kind is ChangeKind.Added or ChangeKind.Modified);

    // Git writes through links: logs/HEAD could so become a hook.
    private static bool IsLinkInGit(Change change) => change.Type == FileType.Link && change.Kind != ChangeKind.Deleted && change.Path.Ancestors().Any(IsGit);

    private bool IsEscaping(RelativePath path)
    {
        using var folder = upper.OpenFolder(path.Parent!);
        return folder?.ReadLink(path.Name) is not { } target || !StaysWithin(path, target);
    }

    /// <summary>
    /// Relative, with <c>..</c> only at its front and no more of them than folders above it. One further back could follow another link first, and then
    /// lead anywhere.
    /// </summary>
    internal static bool StaysWithin(RelativePath link, ReadOnlySpan<byte> target)
    {
        if (target.IsEmpty || target[0] == '/')
            return false;
        var up = 0;
        var isFront = true;
        foreach (var range in target.Split((byte)'/'))
        {
            var part = target[range];
            if (part.SequenceEqual(".."u8))
            {
                if (!isFront || ++up >= link.Depth)
                    return false;
            }
            else if (!part.IsEmpty && !part.SequenceEqual("."u8))
            {
                isFront = false;
            }
        }

        return true;
    }

    private RelativePath? ProtectedBelow(RelativePath folder) => HostTree.Below(host, folder)
        .Select(entry => entry.Path)
        .FirstOrDefault(path => path.Name.Is(Git) || path.Name.Is(PolicyFile) || path.Equals(_policy) || hide.IsHidden(path));

    private static RelativePath? PolicyBelow(string hostPath, string? policyPath) =>
        policyPath is not null && policyPath.StartsWith(hostPath.TrimEnd('/') + '/', StringComparison.Ordinal)
        && RelativePath.TryCreate(System.Text.Encoding.UTF8.GetBytes(policyPath[(hostPath.TrimEnd('/').Length + 1)..]), out var path) ? path : null;
}
