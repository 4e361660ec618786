using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>What is in a folder of the host that a session deleted as a whole: looked at before it goes.</summary>
internal static class HostTree
{
    /// <summary>Everything below <paramref name="folder"/>, which itself is left out; nothing when it is not there.</summary>
    /// <exception cref="WorkspaceException">It is too large, or may not be looked into.</exception>
    public static IEnumerable<(RelativePath Path, FileStatus Status)> Below(Folder host, RelativePath folder)
    {
        var pending = new Stack<RelativePath>([folder]);
        for (var seen = 0; pending.TryPop(out var path);)
        {
            using var open = host.OpenFolder(path);
            if (open is null)
                continue;
            var entries = open.List(ChangeScanner.MaxEntries);
            if ((seen += entries.Count) > ChangeScanner.MaxEntries)
                throw new WorkspaceException($"{folder} holds too much to be looked through before it is deleted: delete it yourself");
            foreach (var entry in entries)
            {
                if (open.Status(entry.Name) is not { } status)
                    continue;
                var below = path.Add(entry.Name);
                yield return (below, status);
                if (status.Type == FileType.Folder)
                    pending.Push(below);
            }
        }
    }
}
