using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Sessions;

/// <summary>A path that a person wrote, as a workspace and a path below it.</summary>
/// <param name="Workspace">Index in the session's record.</param>
/// <param name="Path">Below it.</param>
internal sealed record PathSelection(int Workspace, RelativePath Path)
{
    /// <param name="session">Whose workspaces.</param>
    /// <param name="text">As listed (below the workspace, with escapes); or absolute, as the agent saw it or as it is on the host.</param>
    /// <exception cref="WorkspaceException">It is in no workspace, or could be in several.</exception>
    public static PathSelection Of(SessionRecord session, string text)
    {
        if (text.StartsWith('/'))
        {
            for (var i = 0; i < session.Workspaces.Length; i++)
            {
                foreach (var root in new[] { session.Workspaces[i].At, session.Workspaces[i].Host })
                {
                    if (text == root || text == root + '/')
                        return new(i, RelativePath.Root);
                    if (text.StartsWith(root.TrimEnd('/') + '/', StringComparison.Ordinal) && RelativePath.TryParse(text[(root.TrimEnd('/').Length + 1)..], out var below))
                        return new(i, below);
                }
            }

            throw new WorkspaceException($"{Safe(text)} is in no workspace of session {session.Id} ({string.Join(", ", session.Workspaces.Select(each => each.At))})");
        }

        if (!RelativePath.TryParse(text, out var path))
            throw new WorkspaceException($"'{Safe(text)}' is no path below a workspace: write it as 'gatehouse changes' lists it");
        return session.Workspaces.Length == 1 ? new(0, path)
            : throw new WorkspaceException($"session {session.Id} has {session.Workspaces.Length} workspaces: write {Safe(text)} with its workspace before it ({string.Join(", ", session.Workspaces.Select(each => each.At))})");
    }

    private static string Safe(string text) => SafeText.Escape(Encoding.UTF8.GetBytes(text));
}
