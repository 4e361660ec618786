using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Doctor;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Hosting;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Publishing;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>
/// One session from start to end: services, record, enclosure, gates, agent, and then what it left. The agent's program starts only
/// after its beginning is recorded and every gate has said ready.
/// </summary>
internal static class SessionLauncher
{
    /// <summary>Between the polite end of a session that took too long and its forced one.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    /// <summary>A wait that a person notices.</summary>
    private static readonly TimeSpan s_saidAfter = TimeSpan.FromSeconds(2);

    /// <summary>Synchronous throughout: children are tied to this, the main, thread.</summary>
    /// <returns>The agent's exit code.</returns>
    /// <exception cref="LaunchException">The session can not start.</exception>
    public static int Run(string? policyPath, ImmutableArray<string> command, bool quiet)
    {
        var run = RunDirectory.Open();
        var state = StateDirectory.Open();
        var time = TimeProvider.System;
        var id = SessionId.Create(time).Value;

        var policy = SessionPolicy.Load(policyPath, state, id);
        if (command.IsEmpty)
            command = policy.Policy.Agent.Command;
        if (command.IsEmpty)
            throw new LaunchException(ExitCodes.Usage, "there is nothing to run: give a command (gatehouse run -- CMD) or write agent.command into the policy");

        var host = new ServiceHost(run, state);
        var events = new SessionEvents(state, run, time);
        if (!host.IsUp() && !quiet)
            Terminal.Say("starting the services");
        host.EnsureUp();

        using var trace = new SessionTrace(id);
        using var workspace = SessionWorkspaces.Prepare(policy, state, run, id, command, time);
        if (!quiet)
        {
            Terminal.Say(policy.IsBuiltIn
                ? $"session {id}: no gatehouse.yaml, so the built-in policy: this folder as an overlay workspace, a scratch /tmp, no network, no secret"
                : $"session {id} under {policy.Path}");
        }

        var container = workspace.Container(policy, state, run);
        var start = events.Create(id, trace.TraceId, Boundary.Sandbox, "session.start", string.Join(' ', command),
            ("command", string.Join(' ', command)), ("workingDirectory", Environment.CurrentDirectory), ("policy", policy.IsBuiltIn ? "built-in" : policy.Path),
            ("policySha256", policy.Sha256), ("isolation", policy.Policy.Agent.Isolation.ToString().ToLowerInvariant()), ("image", container?.Image), ("runtime", container?.Runtime), ("pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        // While the sink writes it down, the enclosure is made; neither waits for the other, and the agent waits for both.
        var recording = Task.Run(async () => await events.TryRecordStartAsync(start));

        using var enclosure = OrRecord(() => Prepare(workspace.Specification(policy, command), container));
        using var gates = OrRecord(() => SessionGates.OpenAsync(run, id, policy, trace.TraceParent, workspace.Sockets, enclosure.Sockets, CancellationToken.None).GetAwaiter().GetResult());
        enclosure.CloseSockets();
        if (!quiet && Task.WaitAny([recording], s_saidAfter) < 0)
            Terminal.Say("waiting for the log sink to write down the session's start");
        if (!recording.GetAwaiter().GetResult())
        {
            if (policy.Policy.WhenUnavailable == WhenUnavailable.Deny)
                throw new LaunchException(ExitCodes.Unavailable, "the log sink did not record the session's start, and the policy says logging.whenUnavailable: deny: see 'gatehouse status'");
            if (!events.RecordAsync(start).GetAwaiter().GetResult())
                throw new LaunchException(ExitCodes.Unavailable, "the session's start is recorded nowhere: see 'gatehouse status', and whether the disk is full");
        }

        using var published = OrRecord(() => PublishedPorts.Open(policy.Policy.Agent.Publish, enclosure, events, id, trace.TraceId));
        var (code, reason) = OrRecord(() => WaitFor(enclosure, gates, policy.Policy, time));
        published.Dispose();
        gates.Dispose();
        Terminal.TakeBack();
        enclosure.Dispose();

        var changes = workspace.Finish((enclosure as ContainerEnclosure)?.RootChanges ?? []);
        trace.Tag("process.exit.code", code);
        events.RecordAsync(events.CreateChanges(id, trace.TraceId, BoundaryActions.Changes, changes)).GetAwaiter().GetResult();
        events.RecordAsync(events.Create(id, trace.TraceId, Boundary.Sandbox, "session.end", string.Join(' ', command),
            ("exitCode", code.ToString(CultureInfo.InvariantCulture)), ("reason", reason))).GetAwaiter().GetResult();
        events.ReplayAsync().GetAwaiter().GetResult();
        TidyUp(state, events, time);
        if (!quiet && changes.Summary.Length > 0)
            Terminal.Say($"{changes.Summary}: see 'gatehouse changes {id}', then 'gatehouse apply' or 'gatehouse discard'");
        if (!quiet && SessionSummary.TryReadAsync(run, id).GetAwaiter().GetResult() is { } totals)
        {
            foreach (var line in totals.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Terminal.Say(line);
        }

        return code;

        // A session whose beginning is recorded has an end in the record, also when the agent never ran.
        T OrRecord<T>(Func<T> step)
        {
            try
            {
                return step();
            }
            catch (LaunchException e)
            {
                _ = recording.GetAwaiter().GetResult();
                events.RecordAsync(events.Create(id, trace.TraceId, Boundary.Sandbox, "session.end", string.Join(' ', command), ("reason", e.Message))).GetAwaiter().GetResult();
                throw;
            }
        }
    }

    // Of other sessions, whose trouble is not this one's: its exit code is the agent's.
    private static void TidyUp(StateDirectory state, SessionEvents events, TimeProvider time)
    {
        try
        {
            ContainerLeftovers.CleanUp(state.Path, new(Path.Combine(state.Path, "sessions")));
            OrphanedSessions.RecoverAsync(new(Path.Combine(state.Path, "sessions")), events, time).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SystemCallException or WorkspaceException or EnclosureException)
        {
            Terminal.Say($"what earlier sessions left could not be tidied up: {e.Message}");
        }
    }

    private static AgentEnclosure Prepare(EnclosureSpec specification, ContainerSettings? container)
    {
        try
        {
            return container is null ? EnclosureProcess.Prepare(specification) : ContainerEnclosure.Prepare(specification, container);
        }
        catch (Exception e) when (e is EnclosureException or FileNotFoundException)
        {
            var obstacles = Machine.ObstaclesAsync(container?.Isolation ?? Isolation.Bubblewrap).GetAwaiter().GetResult()
                .Select(each => $"  {each.Name}: {each.Detail}{(each.Fix is { } fix ? $" → {fix}" : "")}");
            throw new LaunchException(ExitCodes.NotPermitted, string.Join('\n', obstacles.Prepend(e.Message)), e);
        }
    }

    /// <summary>Starts the agent and waits for its end, or for that of the time it was given.</summary>
    public static (int Code, string Reason) WaitFor(AgentEnclosure enclosure, SessionGates gates, AgentPolicy policy, TimeProvider time)
    {
        using var signals = new SignalForwarder(enclosure);
        using var ended = new CancellationTokenSource();
        var watching = gates.WatchAsync(ended.Token);
        var reason = "the agent ended";
        using var limit = policy.Agent.Limits.Duration is not { } duration ? null : time.CreateTimer(_ =>
        {
            reason = $"agent.limits.duration of {duration} was over";
            Terminal.Say(reason + ": ending the session");
            enclosure.Signal(15);
        }, null, duration, Timeout.InfiniteTimeSpan);
        using var force = policy.Agent.Limits.Duration is not { } most ? null : time.CreateTimer(_ => enclosure.Kill(), null, most + s_grace, Timeout.InfiniteTimeSpan);

        try
        {
            enclosure.Start();
        }
        catch (EnclosureException e)
        {
            throw new LaunchException(ExitCodes.NotPermitted, e.Message, e);
        }

        var code = enclosure.Wait(out var ran);
        ended.Cancel();
        try
        {
            watching.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // It watched until now.
        }

        if (!ran && reason == "the agent ended" && code < 128)
            throw new LaunchException(ExitCodes.NotPermitted, "bubblewrap could not make the enclosure (its message is above): is it version 0.8 or newer, and are user namespaces allowed?");
        return (code, reason);
    }
}
