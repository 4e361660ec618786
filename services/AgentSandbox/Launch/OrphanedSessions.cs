using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>Sessions whose launcher was killed: the kernel ended their agents; their end is recorded by the next session, and they can be reviewed.</summary>
internal static class OrphanedSessions
{
    public static async Task RecoverAsync(SessionStore store, SessionEvents events, TimeProvider time)
    {
        foreach (var session in store.List().Where(session => session.IsInterrupted))
        {
            using var held = store.TryLock(session.Id);
            if (held is null)
                continue;
            var ended = session;
            try
            {
                (ended, var changes) = SessionReview.Finish(session);
                await events.RecordAsync(events.CreateChanges(session.Id, "", BoundaryActions.Changes, changes));
            }
            catch (WorkspaceException)
            {
                // The workspace may be gone by now; that the session ended is still worth a record.
            }

            store.Save(ended with { State = SessionState.Ended, Ended = time.GetUtcNow(), IsInterrupted = false });
            await events.RecordAsync(events.Create(session.Id, "", Boundary.Sandbox, "session.end", string.Join(' ', session.Command), ("reason", "its launcher died")));
        }
    }
}
