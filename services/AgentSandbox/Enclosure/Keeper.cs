using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// Runs in the session's new user, mount and network namespaces, before any byte of the agent does: makes network, sockets and mounts, hands the
/// sockets to the launcher, waits for its word, and becomes bubblewrap. Dies with the launcher at every step.
/// </summary>
internal static unsafe class Keeper
{
    /// <summary>The hidden first argument that makes this program the keeper; the second is the descriptor of the launcher's socket.</summary>
    public const string Argument = "__keeper";

    private const int PR_SET_PDEATHSIG = 1, SIGKILL = 9, RLIMIT_CORE = 4;
    private const nint CloseRange = 436, CLOSE_RANGE_CLOEXEC = 4;

    public static int Run(int launcher, int launcherId)
    {
        _ = LibC.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (LibC.getppid() != launcherId)
            return 70;
        // Whatever the caller's shell had open ends here, bubblewrap's own descriptors excepted.
        Check(LibC.syscall(CloseRange, 3, int.MaxValue, CLOSE_RANGE_CLOEXEC, 0, 0), "close inherited files");
        try
        {
            var spec = ReadSpec(launcher);
            LoopbackNetwork.Configure();
            var sockets = spec.Sockets.Select(SocketFactory.Create).ToList();
            var staging = StagingArea.Create(spec);
            Reply(launcher, new(true, null), sockets);
            foreach (var socket in sockets)
                _ = LibC.close(socket);
            if (LibC.Receive(launcher, new byte[1]) != 1)
                return 70;
            Become(spec, staging, launcher);
            return 70;
        }
        catch (Exception e)
        {
            Reply(launcher, new(false, e.Message), []);
            return 70;
        }
    }

    private static EnclosureSpec ReadSpec(int launcher)
    {
        var message = ControlChannel.Receive(launcher);
        return JsonSerializer.Deserialize(message, EnclosureJson.Default.EnclosureSpec) ?? throw new InvalidDataException("no specification");
    }

    private static void Reply(int launcher, KeeperReply reply, List<int> sockets) =>
        ControlChannel.Send(launcher, JsonSerializer.SerializeToUtf8Bytes(reply, EnclosureJson.Default.KeeperReply), sockets);

    private static void Become(EnclosureSpec spec, StagingArea staging, int launcher)
    {
        var filter = Inheritable("filter", SystemCallFilter.Assemble());
        // bubblewrap says on it when the agent's program began: what ends before that was the enclosure's failure.
        Check(LibC.fcntl(launcher, LibC.F_SETFD, 0), "keep the launcher's socket");
        var arguments = BubblewrapArguments.Build(spec, staging, filter, launcher);
        var options = Inheritable("options", Encoding.UTF8.GetBytes(string.Concat(arguments.Select(argument => argument + '\0'))));

        Limit(RLIMIT_CORE, 0);
        if (spec.IsRoot)
            DropTo(spec.HostUid, spec.HostGid);
        // The parent-death signal is cleared when credentials change (prctl(2)).
        Check(LibC.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "die with the launcher");

        // Ctrl-C is for the agent: bubblewrap's own processes ignore what the terminal sends, and env gives the agent the defaults back.
        // Everything else goes back to its default, above all SIGPIPE, which the runtime ignores.
        byte* none = stackalloc byte[128];
        new Span<byte>(none, 128).Clear();
        for (var number = 1; number < 32; number++)
            _ = LibC.signal(number, number is 1 or 2 or 3 or 10 or 12 or 15 ? 1 : 0);
        _ = LibC.sigprocmask(2, none, null);

        // An environment of the agent's own from here on: /proc/1/environ inside shows what bubblewrap was started with.
        using var environment = new NativeStrings(spec.Environment.Select(variable => $"{variable.Key}={variable.Value}"));
        using var argv = new NativeStrings(
            [spec.Bubblewrap!, "--args", $"{options}", "--", .. ProcessLimit(spec), "/usr/bin/env", "--default-signal", .. spec.Command]);
        _ = LibC.execve(argv.Pointer[0], argv.Pointer, environment.Pointer);
        throw new SystemCallException($"start {spec.Bubblewrap}", Marshal.GetLastPInvokeError());
    }

    // Set inside, where the kernel counts the processes of the agent's user namespace only (Linux 5.14); the hard limit can not be raised.
    private static string[] ProcessLimit(EnclosureSpec spec) =>
        spec.Processes is { } processes ? ["/usr/bin/prlimit", $"--nproc={processes}", "--"] : [];

    private static void DropTo(uint uid, uint gid)
    {
        Check(LibC.setgroups(0, null), "drop groups");
        Check(LibC.setresgid(gid, gid, gid), "drop the group");
        Check(LibC.setresuid(uid, uid, uid), "drop root");
    }

    private static void Limit(int resource, ulong value)
    {
        var limits = stackalloc ulong[2] { value, value };
        Check(LibC.setrlimit(resource, limits), "set a limit");
    }

    private static int Inheritable(string name, byte[] content)
    {
        var fd = Check(LibC.memfd_create(name, 0), "make a memory file");
        fixed (byte* data = content)
        {
            if (LibC.write(fd, data, (nuint)content.Length) != content.Length)
                throw new IOException("could not write to a memory file");
        }

        Check(LibC.lseek(fd, 0, 0), "rewind a memory file");
        return fd;
    }
}
