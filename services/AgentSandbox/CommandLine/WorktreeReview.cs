using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>A worktree session is reviewed on its branch.</summary>
internal static class WorktreeReview
{
    public static void Print(WorkspaceRecord workspace, bool json, bool diff)
    {
        var worktree = workspace.Worktree!;
        if (worktree.Commit is null)
        {
            if (!json)
                Console.Out.WriteLine(worktree.IsFinished ? $"{workspace.At}: nothing changed" : $"{workspace.At}: is committed onto {worktree.Branch} when the session ends");
            return;
        }

        var git = new GitCommand(worktree.GitDirectory);
        var output = git.Run("diff-tree", "-r", "-z", "--no-renames", "--name-status", worktree.Base, worktree.Commit);
        var parts = Split(output);
        for (var i = 0; i + 1 < parts.Count; i += 2)
        {
            var (kind, path) = (Encoding.ASCII.GetString(parts[i]), SafeText.Escape(parts[i + 1]));
            Console.Out.WriteLine(json
                ? $"{{\"workspace\":{Quote(workspace.At)},\"path\":{Quote(path)},\"kind\":\"{Word(kind)}\",\"branch\":{Quote(worktree.Branch)}}}"
                : $"{kind} {workspace.At}/{path}");
        }

        if (diff)
        {
            foreach (var line in Encoding.UTF8.GetString(git.Run("diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", worktree.Base, worktree.Commit)).Split('\n'))
                Console.Out.WriteLine(Printable.Line(line));
        }

        if (!json)
            Explain(workspace);
    }

    public static void Explain(WorkspaceRecord workspace)
    {
        if (workspace.Worktree?.Commit is not null)
            Console.Out.WriteLine($"On the branch {workspace.Worktree.Branch}: review it with 'git diff HEAD...{workspace.Worktree.Branch}', take it with 'git merge {workspace.Worktree.Branch}'.");
    }

    public static void Discard(WorkspaceRecord workspace) => WorktreeWorkspace.Discard(workspace);

    private static string Word(string kind) => kind switch { "A" => "added", "D" => "deleted", "T" => "typeChanged", _ => "modified" };

    private static string Quote(string text) => '"' + JsonEncodedText.Encode(text).ToString() + '"';

    private static List<byte[]> Split(byte[] output)
    {
        var parts = new List<byte[]>();
        foreach (var range in output.AsSpan().Split((byte)0))
            parts.Add(output.AsSpan()[range].ToArray());
        return parts;
    }
}
