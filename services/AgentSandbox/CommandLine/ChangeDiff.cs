using System.Diagnostics;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>The difference in one file, as text; everything in it is made harmless for the terminal.</summary>
internal static class ChangeDiff
{
    /// <summary>Larger files have a size, not a difference.</summary>
    private const int MaxFile = 1 << 20;

    public static void Print(WorkspaceRecord workspace, Change change)
    {
        if (change.Type != FileType.File || change is { Kind: ChangeKind.Modified, ContentChanged: false } || change.Size > MaxFile || change.OldSize > MaxFile)
            return;
        // Read through folders that follow no link, then compared as two files of ours: git never sees a path of the agent's.
        var folder = Directory.CreateTempSubdirectory("gatehouse-diff-");
        try
        {
            var before = Copy(workspace.Host, change.Path, Path.Combine(folder.FullName, "before"));
            var after = change.Kind == ChangeKind.Deleted ? Empty(folder, "after") : Copy(Path.Combine(workspace.Folder, OverlayWorkspace.Upper), change.Path, Path.Combine(folder.FullName, "after"));
            var start = new ProcessStartInfo("/usr/bin/diff", ["-u", "--label", "before", "--label", "after", before, after]) { RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            while (process.StandardOutput.ReadLine() is { } line)
                Console.Out.WriteLine("    " + Printable.Line(line));
            process.WaitForExit();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Empty(DirectoryInfo folder, string name)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, "");
        return path;
    }

    private static string Copy(string root, RelativePath path, string to)
    {
        using var folder = Folder.Open(root);
        using var parent = path.Parent is { IsRoot: false } above ? folder.OpenFolder(above) : Folder.Open(root);
        using var file = parent?.OpenFile(path.Name);
        File.WriteAllBytes(to, file is null ? [] : FileContent.ReadAll(file, MaxFile) ?? []);
        return to;
    }
}
