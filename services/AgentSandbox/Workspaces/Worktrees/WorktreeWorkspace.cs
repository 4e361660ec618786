using System.Globalization;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// A worktree workspace: the files of HEAD in a folder of the session, without any .git, and a branch <c>agent/SESSION</c> onto which the host commits
/// what the agent left. The repository itself is never mounted, and nothing the agent wrote is ever run or read as configuration.
/// </summary>
internal static class WorktreeWorkspace
{
    public const string Tree = "tree";

    /// <summary>Larger ones are left out of the commit, and said so: git holds a whole file in memory.</summary>
    private const long MaxFile = 1L << 30;

    private const int MaxEntries = 1_000_000;

    /// <summary>Makes branch and files for a session that is about to start.</summary>
    /// <param name="folder">An existing, empty folder of ours.</param>
    /// <param name="session">Names the branch.</param>
    /// <param name="host">Absolute, canonical path of the folder in a repository.</param>
    /// <param name="at">Where the agent will see it.</param>
    /// <param name="hide">Is not checked out, and stays as it is in the commit.</param>
    public static WorkspaceRecord Create(string folder, string session, string host, string at, HideRules hide)
    {
        var (gitDirectory, prefix) = GitCommand.Locate(host);
        var tree = Path.Combine(folder, Tree);
        Directory.CreateDirectory(tree);
        var git = new GitCommand(gitDirectory, tree) { IndexFile = Path.Combine(folder, "index") };
        var start = git.Line("rev-parse", "--verify", "HEAD^{commit}");
        var branch = $"agent/{session}";
        git.Run("update-ref", $"refs/heads/{branch}", start, new string('0', start.Length));
        git.Run("read-tree", prefix.Length == 0 ? start : $"{start}:{prefix}");
        git.Run("checkout-index", "--all", "--quiet", $"--prefix={tree}/");
        using var files = Folder.Open(tree);
        using var original = Folder.Open(host);
        Dress(files, original.Status(), RelativePath.Root, hide);
        return new()
        {
            Host = host,
            At = at,
            Mode = WorkspaceMode.Worktree,
            Folder = folder,
            HostInode = original.Status().Inode,
            Since = files.Status().Changed,
            Worktree = new() { GitDirectory = gitDirectory, Prefix = prefix, Branch = branch, Base = start },
        };
    }

    /// <summary>Commits what the agent left. Idempotent.</summary>
    public static WorkspaceRecord Finish(WorkspaceRecord workspace, HideRules hide)
    {
        if (workspace.Worktree is not { IsFinished: false } worktree)
            return workspace;
        var git = new GitCommand(worktree.GitDirectory);
        var before = Listing(git, worktree.Prefix.Length == 0 ? worktree.Base : $"{worktree.Base}:{worktree.Prefix}");
        var prefix = worktree.Prefix.Length == 0 ? [] : Encoding.UTF8.GetBytes(worktree.Prefix + "/");
        var root = Folder.OpenIfPresent(Path.Combine(workspace.Folder, Tree)) ?? throw new WorkspaceException($"{workspace.Folder} has no files any more");
        using (root)
        {
            git.Run(stream => Import(stream, root, before, prefix, hide, worktree), "fast-import", "--quiet", "--done", "--date-format=now");
        }

        var commit = git.Line("rev-parse", "--verify", $"refs/heads/{worktree.Branch}");
        // An empty commit says nothing: the branch goes back to where it began.
        if (git.Line("rev-parse", $"{commit}^{{tree}}") == git.Line("rev-parse", $"{worktree.Base}^{{tree}}"))
        {
            git.Run("update-ref", $"refs/heads/{worktree.Branch}", worktree.Base, commit);
            commit = null;
        }

        return workspace with { Worktree = worktree with { Commit = commit, IsFinished = true } };
    }

    /// <summary>Removes branch and files. The commits stay until git collects them.</summary>
    public static void Discard(WorkspaceRecord workspace)
    {
        if (workspace.Worktree is { } worktree && Directory.Exists(worktree.GitDirectory))
            new GitCommand(worktree.GitDirectory).Run("update-ref", "-d", $"refs/heads/{worktree.Branch}");
        using var own = Folder.OpenIfPresent(workspace.Folder);
        foreach (var entry in own?.List(MaxEntries) ?? [])
            FileTree.Remove(own!, entry.Name);
    }

    // A stream for git fast-import: blobs are stored as they are, no filter, hook or attribute has a part in it.
    private static void Import(Stream stream, Folder root, Dictionary<RelativePath, bool> before, byte[] prefix, HideRules hide, WorktreeRecord worktree)
    {
        Write(stream, $"commit refs/heads/{worktree.Branch}\nauthor agent <agent@enclosure.invalid> now\ncommitter gatehouse <gatehouse@enclosure.invalid> now\n");
        var message = $"Work of {worktree.Branch}\n";
        Write(stream, string.Create(CultureInfo.InvariantCulture, $"data {message.Length}\n{message}from {worktree.Base}\n"));
        var left = before.Where(entry => !entry.Value && !hide.IsHidden(entry.Key)).Select(entry => entry.Key).ToHashSet();
        var pending = new Stack<RelativePath>([RelativePath.Root]);
        for (var count = 0; pending.TryPop(out var at);)
        {
            using var folder = root.TryOpenFolder(at, out _);
            foreach (var entry in folder?.List(MaxEntries - count) ?? [])
            {
                var path = at.Add(entry.Name);
                // A nested repository is not ours to record, and git would refuse it.
                if (entry.Name.Is(".git") || hide.IsHidden(path) || ++count > MaxEntries || folder!.Status(entry.Name) is not { } status)
                    continue;
                if (status.Type == FileType.Folder)
                    pending.Push(path);
                else if (ImportOne(stream, folder, entry.Name, path, status, prefix))
                    left.Remove(path);
            }
        }

        foreach (var gone in left)
        {
            Write(stream, "D ");
            WritePath(stream, prefix, gone);
        }

        Write(stream, "\ndone\n");
    }

    private static bool ImportOne(Stream stream, Folder folder, FileName name, RelativePath path, FileStatus status, byte[] prefix)
    {
        if (status.Type == FileType.Link && folder.ReadLink(name) is { } target)
        {
            Write(stream, "M 120000 inline ");
            WritePath(stream, prefix, path);
            WriteData(stream, target);
            return true;
        }

        if (status.Type != FileType.File || status.Size > MaxFile)
            return false;
        using var file = folder.OpenFile(name);
        if (file is null || FileContent.ReadAll(file, (int)MaxFile) is not { } content)
            return false;
        Write(stream, (status.Permissions & 0x40) != 0 ? "M 100755 inline " : "M 100644 inline ");
        WritePath(stream, prefix, path);
        WriteData(stream, content);
        return true;
    }

    /// <returns>Each path of a commit, and whether it is a submodule, which is left as it is.</returns>
    private static Dictionary<RelativePath, bool> Listing(GitCommand git, string commit)
    {
        var paths = new Dictionary<RelativePath, bool>();
        var output = git.Run("ls-tree", "-r", "-z", "--full-tree", commit).AsSpan();
        foreach (var range in output.Split((byte)0))
        {
            var line = output[range];
            var tab = line.IndexOf((byte)'\t');
            if (tab > 0 && RelativePath.TryCreate(line[(tab + 1)..], out var path))
                paths[path] = line.StartsWith("160000"u8);
        }

        return paths;
    }

    // Files for the agent's user, hidden ones gone.
    private static void Dress(Folder folder, FileStatus owner, RelativePath at, HideRules hide)
    {
        var isRoot = FileCalls.geteuid() == 0;
        if (isRoot)
            folder.SetOwner(owner.Uid, owner.Gid);
        foreach (var entry in folder.List(MaxEntries))
        {
            var path = at.Add(entry.Name);
            if (hide.IsHidden(path))
                FileTree.Remove(folder, entry.Name);
            else if (folder.Status(entry.Name) is not { Type: FileType.Folder } && isRoot)
                folder.SetOwner(entry.Name, owner.Uid, owner.Gid);
            else if (folder.OpenFolder(entry.Name) is { } below)
                using (below)
                    Dress(below, owner, path, hide);
        }
    }

    private static void WriteData(Stream stream, ReadOnlySpan<byte> data)
    {
        Write(stream, string.Create(CultureInfo.InvariantCulture, $"data {data.Length}\n"));
        stream.Write(data);
        Write(stream, "\n");
    }

    // Quoted as C strings: a name may hold anything but '/' and NUL.
    private static void WritePath(Stream stream, byte[] prefix, RelativePath path)
    {
        var quoted = new StringBuilder("\"");
        foreach (var octet in (byte[])[.. prefix, .. path.Bytes])
        {
            if (octet is (byte)'"' or (byte)'\\' or < 0x20 or >= 0x7f)
                quoted.Append('\\').Append(Convert.ToString(octet, 8).PadLeft(3, '0'));
            else
                quoted.Append((char)octet);
        }

        Write(stream, quoted.Append("\"\n").ToString());
    }

    private static void Write(Stream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text));
}
