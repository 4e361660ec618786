using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <param name="Mode">As trees hold it, octal: 100644, 100755, 120000 for a link, 160000 for a submodule.</param>
/// <param name="Id">Object id, hex.</param>
internal readonly record struct GitEntry(string Mode, string Id)
{
    public const string Plain = "100644", Executable = "100755", Link = "120000", Submodule = "160000";
}

/// <summary>All files of a commit, below one of its folders.</summary>
internal static class GitTree
{
    /// <exception cref="WorkspaceException">It holds a path that no working tree may: somebody made it to escape from one.</exception>
    public static SortedDictionary<RelativePath, GitEntry> Read(GitCommand repository, string commit, string prefix)
    {
        var entries = new SortedDictionary<RelativePath, GitEntry>();
        ReadOnlySpan<byte> rest = repository.Run("ls-tree", "-r", "-z", "--full-tree", prefix.Length == 0 ? commit : $"{commit}:{prefix}");
        // mode SP type SP id TAB path NUL
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)0);
            var line = rest[..end];
            var tab = line.IndexOf((byte)'\t');
            var parts = Encoding.ASCII.GetString(line[..tab]).Split(' ');
            if (!RelativePath.TryCreate(line[(tab + 1)..], out var path) || path.Components().Any(name => name.Is(".git")))
                throw new WorkspaceException($"the commit holds the path {SafeText.Escape(line[(tab + 1)..])}, which no working tree may have: check the repository with 'git fsck'");
            entries[path] = new(parts[0], parts[2]);
            rest = rest[(end + 1)..];
        }

        return entries;
    }
}
