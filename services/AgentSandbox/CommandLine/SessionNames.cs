using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>Sessions as people name them: by the beginning.</summary>
internal static class SessionNames
{
    /// <summary>The whole name where this machine knows the session, else what was typed: the record may know it.</summary>
    public static string? Complete(string? typed)
    {
        if (typed is null)
            return null;
        try
        {
            return Store().Find(typed).Id;
        }
        catch (WorkspaceException)
        {
            return typed;
        }
    }

    public static SessionStore Store() => new(Path.Combine(StateDirectory.Open().Path, "sessions"));
}
