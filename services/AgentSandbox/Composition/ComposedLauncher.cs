using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Hosting;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>
/// One session where containers were made by somebody else, as by a Compose file: this process was started in the namespace of the agent's container,
/// the gates run in containers of their own, and all meet in the run directory.
/// </summary>
internal static class ComposedLauncher
{
    /// <summary>Where this container has the volume that is the agent's <c>/etc/gatehouse</c>.</summary>
    private const string AgentEtc = "/srv/etc";

    private static readonly TimeSpan s_servicesWithin = TimeSpan.FromSeconds(60);

    /// <returns>The agent's exit code.</returns>
    /// <exception cref="LaunchException">The session can not start.</exception>
    public static int Run(string policyPath, ImmutableArray<string> command, (uint Uid, uint Gid) agent)
    {
        var policy = LoadedPolicy.Load(policyPath);
        ComposedPolicy.Check(policy);
        if (command.IsEmpty)
            command = policy.Policy.Agent.Command;
        if (command.IsEmpty)
            throw new LaunchException(ExitCodes.Usage, "there is nothing to run: write agent.command into the policy, or a command after the options");
        var (run, state, time) = (RunDirectory.Open(), StateDirectory.Open(), TimeProvider.System);
        WaitForServices(new(run, state));

        var id = SessionId.Create(time).Value;
        var store = new SessionStore(Path.Combine(state.Path, "sessions"));
        var events = new SessionEvents(state, run, time);
        ComposedFolders.Recover(store);
        OrphanedSessions.RecoverAsync(store, events, time).GetAwaiter().GetResult();
        events.ReplayAsync().GetAwaiter().GetResult();

        using var trace = new SessionTrace(id);
        using var folders = ComposedFolders.Prepare(policy, store, new HostFolders(policy.Directory, "/nonexistent", state, run), id, command, agent, time);
        Terminal.Say($"session {id} under {policy.Path}");
        var start = events.Create(id, trace.TraceId, Boundary.Sandbox, "session.start", string.Join(' ', command),
            ("command", string.Join(' ', command)), ("workingDirectory", folders.WorkingDirectory), ("policy", policy.Path), ("policySha256", policy.Sha256), ("isolation", "composition"));
        if (!events.TryRecordStartAsync(start).GetAwaiter().GetResult())
        {
            if (policy.Policy.WhenUnavailable == WhenUnavailable.Deny)
                throw new LaunchException(ExitCodes.Unavailable, "the log sink did not record the session's start, and the policy says logging.whenUnavailable: deny");
            if (!events.RecordAsync(start).GetAwaiter().GetResult())
                throw new LaunchException(ExitCodes.Unavailable, "the session's start is recorded nowhere: is the volume of its state full?");
        }

        var (code, reason) = (ExitCodes.Internal, "it could not start");
        try
        {
            using var enclosure = Prepare(policy, command, folders);
            using var gates = SessionGates.OpenAsync(run, id, policy, trace.TraceParent, Sockets(policy), enclosure.Sockets, CancellationToken.None).GetAwaiter().GetResult();
            enclosure.CloseSockets();
            (code, reason) = SessionLauncher.WaitFor(enclosure, gates, policy.Policy, time);
            trace.Tag("process.exit.code", code);
            var changes = folders.Finish();
            events.RecordAsync(events.CreateChanges(id, trace.TraceId, BoundaryActions.Changes, changes)).GetAwaiter().GetResult();
            if (changes.Summary.Length > 0)
                Terminal.Say($"{changes.Summary}: review them with 'changes', then 'apply' or 'discard'");
        }
        catch (LaunchException e)
        {
            reason = e.Message;
            throw;
        }
        finally
        {
            events.RecordAsync(events.Create(id, trace.TraceId, Boundary.Sandbox, "session.end", string.Join(' ', command),
                ("exitCode", code.ToString(CultureInfo.InvariantCulture)), ("reason", reason))).GetAwaiter().GetResult();
        }

        return code;
    }

    private static JoinedEnclosure Prepare(LoadedPolicy policy, ImmutableArray<string> command, ComposedFolders folders)
    {
        var bundle = CertificateBundle.Build(policy.Policy, text => HostPaths.Expand(text, policy.Directory, "/nonexistent"));
        if (bundle is not null)
            WriteBundle(bundle);
        try
        {
            return JoinedEnclosure.Prepare(new()
            {
                Sockets = Sockets(policy),
                Mounts = [],
                Scratch = [],
                Etc = ImmutableDictionary<string, string>.Empty,
                EtcFromHost = ImmutableDictionary<string, string>.Empty,
                Environment = AgentEnvironment.Build(policy.Policy, Environment.GetEnvironmentVariable, isTerminal: false, bundle is not null),
                Command = command,
                WorkingDirectory = folders.WorkingDirectory,
                HostUid = 0,
                HostGid = 0,
                IsRoot = true,
            });
        }
        catch (EnclosureException e)
        {
            throw new LaunchException(ExitCodes.NotPermitted,
                $"{e.Message}. This command belongs into a container with network_mode: service:agent and cap_add: NET_ADMIN, NET_RAW, NET_BIND_SERVICE, beside an agent whose first process is 'gatehouse-init wait'", e);
        }
    }

    private static ImmutableArray<Gate.Handover.SocketDescription> Sockets(LoadedPolicy policy) =>
        SocketFactory.Describe(policy.Policy.Egress.Ports, Directory.Exists("/proc/sys/net/ipv6"));

    private static void WriteBundle(string bundle)
    {
        if (!Directory.Exists(AgentEtc))
            throw new LaunchException(ExitCodes.BadPolicy, $"the policy trusts an authority of its own ('trust:'), and the Compose file has no volume for its certificate: mount one here at {AgentEtc}, and into the service 'agent' at /etc/gatehouse");
        var path = Path.Combine(AgentEtc, Path.GetFileName(SyntheticEtc.CertificateBundle));
        File.WriteAllText(path + ".new", bundle);
        File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static void WaitForServices(ServiceHost services)
    {
        using var never = new ManualResetEventSlim();
        for (var since = TimeProvider.System.GetTimestamp(); !services.IsUp(); never.Wait(50))
        {
            if (TimeProvider.System.GetElapsedTime(since) > s_servicesWithin)
                throw new LaunchException(ExitCodes.Unavailable, $"the gates and the log sink did not come up within {s_servicesWithin.TotalSeconds:0} s: look at their output");
        }
    }
}
