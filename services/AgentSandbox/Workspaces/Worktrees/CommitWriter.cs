using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// Commits changes by <c>git fast-import</c>: paths, modes and bytes on a pipe, so that git opens none of the agent's files, and no filter, hook or
/// index is involved. The branch moves once, at the end, or not at all.
/// </summary>
internal static class CommitWriter
{
    /// <summary>Nobody's address (RFC 2606).</summary>
    private const string Author = "Gatehouse agent <agent@gatehouse.invalid>";

    /// <returns>Id of the commit.</returns>
    public static string Write(GitCommand repository, Folder tree, WorktreeRecord worktree, ImmutableArray<Change> changes)
    {
        var (branch, prefix) = (worktree.Branch, worktree.Prefix);
        using var git = repository.Start(workTree: null, "fast-import", "--quiet", "--done", "--date-format=now");
        var errors = git.StandardError.ReadToEndAsync();
        git.StandardOutput.Close();
        try
        {
            using var input = new BufferedStream(git.StandardInput.BaseStream, 64 * 1024);
            var text = Encoding.UTF8.GetBytes($"What the agent left in {branch}\n\nRecorded by Gatehouse when the session ended; no person has reviewed it.\n");
            Write(input, $"commit refs/heads/{branch}\nauthor {Author} now\ncommitter {Author} now\ndata {text.Length}\n");
            input.Write(text);
            Write(input, $"\nfrom {worktree.Base}\n");
            foreach (var change in changes.Where(change => change.Kind is ChangeKind.Deleted or ChangeKind.TypeChanged))
                Write(input, $"D {Quote(prefix, change.Path)}\n");
            foreach (var change in changes.Where(change => change.Kind != ChangeKind.Deleted))
                WriteFile(input, tree, prefix, change);
            Write(input, "done\n");
        }
        catch (Exception e)
        {
            // Without its last word, nothing of it counts.
            git.Kill();
            git.WaitForExit();
            if (e is IOException)
                throw new WorkspaceException($"git fast-import failed: {SafeText.Escape(Encoding.UTF8.GetBytes(errors.GetAwaiter().GetResult().Trim()))}", e);
            throw;
        }

        git.WaitForExit();
        if (git.ExitCode != 0)
            throw new WorkspaceException($"git fast-import failed: {SafeText.Escape(Encoding.UTF8.GetBytes(errors.GetAwaiter().GetResult().Trim()))}");
        return Encoding.ASCII.GetString(repository.Run("rev-parse", "--verify", $"refs/heads/{branch}^{{commit}}")).Trim();
    }

    private static void WriteFile(Stream input, Folder tree, string prefix, Change change)
    {
        using var folder = tree.OpenFolder(change.Path.Parent!);
        if (change.Type == FileType.Link)
        {
            var target = folder?.ReadLink(change.Path.Name) ?? throw Changed(change);
            Write(input, $"M {GitEntry.Link} inline {Quote(prefix, change.Path)}\ndata {target.Length}\n");
            input.Write(target);
        }
        else
        {
            using var file = folder?.OpenFile(change.Path.Name, lend: true) ?? throw Changed(change);
            var size = RandomAccess.GetLength(file);
            Write(input, string.Create(CultureInfo.InvariantCulture, $"M {((change.Mode & 0x40) != 0 ? GitEntry.Executable : GitEntry.Plain)} inline {Quote(prefix, change.Path)}\ndata {size}\n"));
            var buffer = new byte[128 * 1024];
            for (long at = 0; at < size;)
            {
                var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, size - at)), at);
                if (read == 0)
                    throw Changed(change);
                input.Write(buffer, 0, read);
                at += read;
            }
        }

        Write(input, "\n");
    }

    private static WorkspaceException Changed(Change change) => new($"{change.Path} changed while it was committed: nothing was; try again");

    // In quotes any byte can be written in octal: a newline in a name is no new command.
    private static string Quote(string prefix, RelativePath path)
    {
        var quoted = new StringBuilder("\"");
        foreach (var each in prefix.Length == 0 ? path.Bytes : [.. Encoding.UTF8.GetBytes(prefix + '/'), .. path.Bytes])
        {
            if (each is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9') or (byte)'/' or (byte)'.' or (byte)'-' or (byte)'_')
                quoted.Append((char)each);
            else
                quoted.Append('\\').Append((char)('0' + (each >> 6))).Append((char)('0' + ((each >> 3) & 7))).Append((char)('0' + (each & 7)));
        }

        return quoted.Append('"').ToString();
    }

    private static void Write(Stream input, string text) => input.Write(Encoding.UTF8.GetBytes(text));
}
