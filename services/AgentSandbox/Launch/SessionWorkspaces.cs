using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>A session's folders: what the policy names, made ready for the enclosure, and looked at when it is over.</summary>
internal sealed class SessionWorkspaces : IDisposable
{
    /// <summary>The home and /dev/shm are tmpfs like every scratch folder, so that nothing is without a bound.</summary>
    private const long HomeSize = 1L << 30, SharedMemorySize = 256L << 20;

    private readonly SessionStore _store;
    private readonly SessionLock _lock;
    private readonly AgentIdentity _identity;
    private readonly ImmutableArray<LayeredMount> _mounts;
    private readonly TimeProvider _time;
    private SessionRecord _record;

    private SessionWorkspaces(SessionStore store, SessionLock held, AgentIdentity identity, ImmutableArray<LayeredMount> mounts, SessionRecord record, ImmutableArray<SocketDescription> sockets, TimeProvider time)
    {
        (_store, _lock, _identity, _mounts, _record, Sockets, _time) = (store, held, identity, mounts, record, sockets, time);
    }

    public ImmutableArray<SocketDescription> Sockets { get; }

    /// <exception cref="LaunchException">A folder of the policy may not be lent, or is not there.</exception>
    public static SessionWorkspaces Prepare(LoadedPolicy policy, StateDirectory state, RunDirectory run, string id, ImmutableArray<string> command, TimeProvider time)
    {
        var store = new SessionStore(Path.Combine(state.Path, "sessions"));
        var held = store.TryLock(id) ?? throw new LaunchException(ExitCodes.Internal, $"a session {id} is there already: try again");
        try
        {
            var filesystem = policy.Policy.Filesystem;
            var host = new HostFolders(policy.IsBuiltIn ? Environment.CurrentDirectory : policy.Directory, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), state, run);
            var hide = new HideRules(filesystem.Hide);
            var workspaces = filesystem.Workspaces.Select(each => (each, path: host.Resolve(each.Host, $"workspace {each.At}", mustBeFolder: true))).ToList();
            var identity = AgentIdentity.Choose(workspaces.Select(each => each.path));
            var record = new SessionRecord
            {
                Id = id,
                State = SessionState.Running,
                Started = time.GetUtcNow(),
                Command = command,
                WorkingDirectory = Environment.CurrentDirectory,
                Policy = policy.IsBuiltIn ? null : policy.Path,
                Hide = [.. filesystem.Hide.Select(pattern => pattern.Text)],
                Workspaces = [],
            };
            var mounts = ImmutableArray.CreateBuilder<LayeredMount>();
            foreach (var (index, (each, path)) in workspaces.Index())
            {
                var (workspace, mount) = Workspace(store, id, index, each, path, hide, identity);
                record = record with { Workspaces = record.Workspaces.Add(workspace) };
                mounts.Add(mount);
            }

            foreach (var (index, input) in filesystem.Inputs.Index())
            {
                if (Input(store, id, index, host.Resolve(input.Host, $"input {input.At}", mustBeFolder: false), input.At, hide, identity) is { } mount)
                    mounts.Add(mount);
            }

            store.Save(record);
            var sockets = SocketFactory.Describe(policy.Policy.Egress.Ports, Directory.Exists("/proc/sys/net/ipv6"));
            return new(store, held, identity, mounts.ToImmutable(), record, sockets, time);
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

    public EnclosureSpec Specification(LoadedPolicy policy, ImmutableArray<string> command)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var bundle = CertificateBundle.Build(policy.Policy, text => Gatehouse.Policy.HostPaths.Expand(text, policy.Directory, home));
        var scratch = policy.Policy.Filesystem.Scratch.Select(each => new ScratchSpec(each.At, each.Size, each.Exec)).ToList();
        // Tools that agents install for themselves (npx, pip --user) stand in the home.
        foreach (var each in new ScratchSpec[] { new(BubblewrapArguments.Home, HomeSize, Exec: true), new("/dev/shm", SharedMemorySize, Exec: false) })
        {
            if (!scratch.Exists(other => other.At == each.At))
                scratch.Add(each);
        }

        var isContainer = policy.Policy.Agent.Isolation != Isolation.Bubblewrap;
        // Rootless Podman maps the caller to the usual id; Docker has no such map, so the agent has the owner's.
        var uid = policy.Policy.Agent.Isolation == Isolation.Docker || (isContainer && _identity.IsRoot) ? _identity.Uid : BubblewrapArguments.Uid;

        return new()
        {
            Sockets = Sockets,
            Mounts = _mounts,
            Scratch = [.. scratch],
            Etc = SyntheticEtc.Files(uid),
            EtcFromHost = bundle is null
                ? ImmutableDictionary<string, string>.Empty
                : ImmutableDictionary<string, string>.Empty.Add(SyntheticEtc.CertificateBundle, WriteBundle(bundle)),
            Environment = AgentEnvironment.Build(policy.Policy, Environment.GetEnvironmentVariable, Terminal.IsTerminal(0) || Terminal.IsTerminal(1), bundle is not null),
            Command = command,
            WorkingDirectory = InsidePath(Environment.CurrentDirectory),
            Bubblewrap = isContainer ? null : Programs.Bubblewrap,
            Publishes = !policy.Policy.Agent.Publish.IsEmpty,
            HostUid = _identity.Uid,
            HostGid = _identity.Gid,
            IsRoot = _identity.IsRoot,
            Processes = policy.Policy.Agent.Limits.Processes,
        };
    }

    /// <summary>What the engine is told; null with bubblewrap.</summary>
    public ContainerSettings? Container(LoadedPolicy policy, StateDirectory state, RunDirectory run) => policy.Policy.Agent is not { Isolation: not Isolation.Bubblewrap } agent ? null : new()
    {
        Session = _record.Id,
        Isolation = agent.Isolation,
        Image = agent.Image ?? ContainerSettings.DefaultImage,
        Runtime = agent.Runtime,
        Limits = agent.Limits,
        WritableRoot = policy.Policy.Filesystem.WritableRoot,
        HasPath = agent.Environment.ContainsKey("PATH"),
        State = state.Path,
        Folder = _store.FolderOf(_record.Id),
        Run = run.Path,
        Progress = Terminal.Say,
    };

    private string WriteBundle(string bundle)
    {
        var path = Path.Combine(_store.FolderOf(_record.Id), "ca-bundle.pem");
        File.WriteAllText(path, bundle);
        return path;
    }

    /// <summary>After the agent's end: looks at what it changed, commits worktrees, and lets the review commands in.</summary>
    /// <param name="root">What it changed in the image's own files, as the engine says it.</param>
    public LeftChanges Finish(ImmutableArray<string> root)
    {
        LeftChanges changes;
        try
        {
            (_record, changes) = SessionReview.Finish(_record);
        }
        catch (WorkspaceException e)
        {
            changes = new("what it changed could not be looked at: " + e.Message, null);
        }

        if (!root.IsEmpty)
            changes = changes with { Summary = $"{changes.Summary}{(changes.Summary.Length > 0 ? ", " : "")}{root.Length} in the container's own files, gone with it" };
        _record = _record with { State = SessionState.Ended, Ended = _time.GetUtcNow(), RootChanges = root };
        try
        {
            _store.Save(_record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WorkspaceException or SystemCallException)
        {
            // Found again as one whose launcher died; the agent's exit code is worth more.
            Terminal.Say($"the session's end can not be written down ({e.Message}); what it changed is kept");
        }

        return changes;
    }

    public void Dispose()
    {
        // A session that could not start leaves nothing to review.
        if (_record.State == SessionState.Running)
            _store.Save(_record with { State = SessionState.Discarded, Ended = _time.GetUtcNow() });
        _lock.Dispose();
    }

    private static (WorkspaceRecord, LayeredMount) Workspace(SessionStore store, string id, int index, WorkspaceMount each, string path, HideRules hide, AgentIdentity identity)
    {
        var folder = store.WorkspaceFolder(id, index);
        if (each.Mode == WorkspaceMode.Worktree)
            return WorktreeMount(folder, id, each, path, hide, identity);
        var (record, hasMask) = OverlayWorkspace.Create(folder, path, each.At, hide);
        return (record, new(path, each.At, folder, hasMask ? Path.Combine(folder, OverlayWorkspace.Mask) : null, Direct: false, identity.Map(path)));
    }

    private static (WorkspaceRecord, LayeredMount) WorktreeMount(string folder, string id, WorkspaceMount each, string path, HideRules hide, AgentIdentity identity) =>
        (WorktreeWorkspace.Create(folder, id, path, each.At, hide),
            new(Path.Combine(folder, WorktreeWorkspace.Tree), each.At, null, null, Direct: true, identity.Map(path)));

    private static LayeredMount? Input(SessionStore store, string id, int index, string path, string at, HideRules hide, AgentIdentity identity)
    {
        if (!Directory.Exists(path))
            return OverlayWorkspace.Hides(hide, path) ? null : new(path, at, null, null, Direct: false, identity.Map(path));
        var folder = Path.Combine(store.FolderOf(id), "in" + index.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var mask = OverlayWorkspace.CreateMask(folder, path, hide);
        return new(path, at, null, mask.IsNeeded ? Path.Combine(folder, OverlayWorkspace.Mask) : null, Direct: false, identity.Map(path));
    }

    // Where the caller stands, when a workspace holds it; else the first workspace, else the home.
    private string InsidePath(string current)
    {
        foreach (var workspace in _record.Workspaces)
        {
            if (HostFolders.IsWithin(current, workspace.Host))
                return workspace.At + current[workspace.Host.Length..];
        }

        return _record.Workspaces.IsEmpty ? BubblewrapArguments.Home : _record.Workspaces[0].At;
    }
}
