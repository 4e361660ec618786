using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>
/// A session's folders in a composition: the host's, mounted into this container, are copied into volumes that the agent's container has at the
/// policy's <c>at:</c>, and this one below <see cref="Volumes"/>. Afterwards what the agent changed is kept for review.
/// </summary>
internal sealed class ComposedFolders : IDisposable
{
    /// <summary>Where this container has the agent's volumes: <c>/srv/agent/workspace</c> is its <c>/workspace</c>.</summary>
    public const string Volumes = "/srv/agent";

    private readonly SessionStore _store;
    private readonly SessionLock _lock;
    private readonly TimeProvider _time;
    private SessionRecord _record;

    private ComposedFolders(SessionStore store, SessionLock held, SessionRecord record, TimeProvider time) => (_store, _lock, _record, _time) = (store, held, record, time);

    /// <summary>Where the agent begins: its first workspace.</summary>
    public string WorkingDirectory => _record.Workspaces.IsEmpty ? "/" : _record.Workspaces[0].At;

    /// <exception cref="LaunchException">A folder is not there, or the Compose file has no volume for it.</exception>
    public static ComposedFolders Prepare(LoadedPolicy policy, SessionStore store, HostFolders host, string id, ImmutableArray<string> command, (uint Uid, uint Gid) agent, TimeProvider time)
    {
        var held = store.TryLock(id) ?? throw new LaunchException(ExitCodes.Internal, $"a session {id} is there already: try again");
        try
        {
            var filesystem = policy.Policy.Filesystem;
            var hide = new HideRules(filesystem.Hide);
            foreach (var input in filesystem.Inputs)
                Fill(host.Resolve(input.Host, $"input {input.At}", mustBeFolder: true), VolumeFor(input.At), hide, agent);
            var workspaces = ImmutableArray.CreateBuilder<WorkspaceRecord>();
            foreach (var (index, each) in filesystem.Workspaces.Index())
            {
                if (each.Mode != WorkspaceMode.Overlay)
                    throw new LaunchException(ExitCodes.BadPolicy, $"workspace {each.At}: mode: worktree is not for a composition, whose agent has a copy of the folder: write mode: overlay");
                var path = host.Resolve(each.Host, $"workspace {each.At}", mustBeFolder: true);
                var hidden = Fill(path, VolumeFor(each.At), hide, agent);
                workspaces.Add(OverlayWorkspace.Create(store.WorkspaceFolder(id, index), path, each.At, HideRules.None).Record with { Hidden = hidden });
            }

            var record = new SessionRecord
            {
                Id = id,
                State = SessionState.Running,
                Started = time.GetUtcNow(),
                Command = command,
                WorkingDirectory = workspaces.Count > 0 ? workspaces[0].Host : "/",
                Policy = policy.Path,
                Hide = [.. filesystem.Hide.Select(pattern => pattern.Text)],
                Workspaces = workspaces.ToImmutable(),
            };
            store.Save(record);
            return new(store, held, record, time);
        }
        catch (WorkspaceException e)
        {
            held.Dispose();
            throw new LaunchException(ExitCodes.NotPermitted, e.Message, e);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Keeps what sessions left in the volumes whose launcher was killed: before the volumes are filled anew.</summary>
    public static void Recover(SessionStore store)
    {
        foreach (var record in store.List().Where(record => record.IsInterrupted))
        {
            try
            {
                foreach (var workspace in record.Workspaces.Where(workspace => Directory.Exists(VolumePath(workspace.At))))
                    CollectedChanges.Collect(record, workspace, VolumePath(workspace.At));
            }
            catch (WorkspaceException e)
            {
                // An agent decides how much it leaves; it does not decide whether there is a next session.
                Terminal.Say($"what session {record.Id} changed could not be kept: {e.Message}");
            }
        }
    }

    /// <summary>After the agent's end.</summary>
    /// <returns>What it changed.</returns>
    public LeftChanges Finish()
    {
        LeftChanges changes;
        try
        {
            foreach (var workspace in _record.Workspaces)
                CollectedChanges.Collect(_record, workspace, VolumePath(workspace.At));
            (_record, changes) = SessionReview.Finish(_record);
        }
        catch (WorkspaceException e)
        {
            changes = new("what it changed could not be looked at: " + e.Message, null);
        }

        _record = _record with { State = SessionState.Ended, Ended = _time.GetUtcNow() };
        _store.Save(_record);
        return changes;
    }

    public void Dispose()
    {
        // A session that could not start leaves nothing to review.
        if (_record.State == SessionState.Running)
            _store.Save(_record with { State = SessionState.Discarded, Ended = _time.GetUtcNow() });
        _lock.Dispose();
    }

    private static int Fill(string host, string volume, HideRules hide, (uint Uid, uint Gid) agent)
    {
        using var source = Folder.Open(host);
        using var target = Folder.Open(volume);
        VisibleCopy.Empty(target);
        var copy = new VisibleCopy(source, target, hide, agent.Uid, agent.Gid);
        copy.Run();
        return copy.Hidden;
    }

    private static string VolumeFor(string at) => Directory.Exists(VolumePath(at))
        ? VolumePath(at)
        : throw new LaunchException(ExitCodes.BadPolicy, $"{at}: the Compose file has no volume for it: mount one into the service 'agent' at {at} and into this one at {VolumePath(at)}");

    private static string VolumePath(string at) => Volumes + at;
}
