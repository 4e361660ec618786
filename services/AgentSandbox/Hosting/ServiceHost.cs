using System.Net.Sockets;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.Gate;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.AgentSandbox.Hosting;

/// <summary>
/// The services in the background: one AppHost, the same that <c>dotnet run --project AppHost</c> starts, without an agent. Whoever
/// started them, they are found through the run directory.
/// </summary>
internal sealed class ServiceHost(RunDirectory run, StateDirectory state)
{
    private static readonly string[] s_gates = ["dns", "egress", "secrets"];
    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(15);

    /// <summary>Where the host's own output goes.</summary>
    public string LogFile => Path.Combine(state.Path, "host.log");

    /// <summary>Every gate listens and the log sink is known.</summary>
    public bool IsUp() => s_gates.All(IsListening) && File.Exists(Path.Combine(run.Path, "log-sink.json"));

    public bool IsListening(string gate)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(run.GateSocket(gate)));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Starts what is not there, and waits until it is healthy. Call from the main thread.</summary>
    /// <returns>True when this call started it.</returns>
    public bool EnsureUp()
    {
        if (IsUp())
            return false;
        // Ten launchers at once start one host.
        // Not by the runtime's own open, which takes a lock of its own and fails rather than waits.
        using var starting = new SafeFileHandle(LibC.open(Path.Combine(run.Path, "up.lock"), 0x40 | 2 | LibC.O_CLOEXEC, 0x180), ownsHandle: true); // O_CREAT|O_RDWR, 0600
        var descriptor = (int)starting.DangerousGetHandle();
        while (LibC.flock(descriptor, 2) != 0)
        {
            // EINTR: a window was resized.
            if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != LibC.EINTR)
                throw new LaunchException(ExitCodes.Internal, $"{run.Path}/up.lock can not be locked: is {run.Path} on a local file system?");
        }

        if (IsUp())
            return false;
        if (HostState.TryRead(run) is { } host && IsAlive(host.Pid))
            return WaitUntilUp(() => !IsAlive(host.Pid));
        var process = Start();
        return WaitUntilUp(process.HasEnded);
    }

    /// <summary>Asks the host to stop, and waits for it.</summary>
    /// <returns>False when none ran.</returns>
    public bool Down()
    {
        if (HostState.TryRead(run) is not { } host || !IsAlive(host.Pid))
            return false;
        _ = LibC.kill(host.Pid, 15);
        if (!Poll(() => !IsAlive(host.Pid), s_stopWithin))
        {
            throw new LaunchException(ExitCodes.Internal,
                $"the services (process {host.Pid}) did not stop in {s_stopWithin.TotalSeconds:0} s: see {LogFile}, then 'kill -9 {host.Pid}'");
        }

        return true;
    }

    private SpawnedProcess Start()
    {
        var appHost = AppHostLocation.Find();
        var log = LibC.open(LogFile, 0x400 | 0x40 | 1 | 0x200 | LibC.O_CLOEXEC, 0x180); // O_APPEND|O_CREAT|O_WRONLY|O_TRUNC, 0600
        var nothing = LibC.open("/dev/null", 0, 0);
        try
        {
            var environment = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                .Where(variable => (string)variable.Key is not ("ASPNETCORE_URLS" or "URLS" or "GATEHOUSE_RUN" or "GATEHOUSE_STATE" or "GATEHOUSE_COMMAND"))
                .Select(variable => $"{variable.Key}={variable.Value}")
                .Append($"GATEHOUSE_RUN={run.Path}").Append($"GATEHOUSE_STATE={state.Path}")
                // For the console's buttons about a session's changes.
                .Append($"GATEHOUSE_COMMAND={Environment.ProcessPath}");
            return SpawnedProcess.Start([.. appHost, "--Gatehouse:Agent=none"], environment, nothing, log, log, newSession: true);
        }
        finally
        {
            _ = LibC.close(log);
            _ = LibC.close(nothing);
        }
    }

    private bool WaitUntilUp(Func<bool> hasEnded)
    {
        var ended = false;
        // Listening is enough for a session to start; whoever starts the services waits until each has said that it is well.
        if (Poll(() => (IsUp() && HostState.TryRead(run) is null or { IsRunning: true }) || (ended = hasEnded()), s_startWithin) && !ended)
            return true;
        var lines = File.Exists(LogFile) ? File.ReadLines(LogFile).TakeLast(5) : [];
        throw new LaunchException(ExitCodes.Unavailable,
            $"the services {(ended ? "ended while starting" : $"were not ready in {s_startWithin.TotalSeconds:0} s")}: {string.Join(" | ", lines)} (all of it in {LogFile})");
    }

    private static bool Poll(Func<bool> condition, TimeSpan within)
    {
        using var never = new ManualResetEventSlim();
        for (var end = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(end) < within; never.Wait(10))
        {
            if (condition())
                return true;
        }

        return condition();
    }

    private static bool IsAlive(int pid) => pid > 1 && LibC.kill(pid, 0) == 0;
}
