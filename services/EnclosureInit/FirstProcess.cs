using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.EnclosureInit;

/// <summary>
/// Process 1 of the agent's container. It waits until the gates are ready, starts the agent's program under our system call filter, reaps, and ends with
/// it. Its connection is the lease of the whole container: when the launcher is gone, by whatever end, this process ends, and with process 1 the
/// kernel ends every other of the container.
/// </summary>
internal static unsafe class FirstProcess
{
    private const int PR_SET_DUMPABLE = 4, PR_SET_NO_NEW_PRIVS = 38;
    private const nint SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_TSYNC = 1;

    /// <summary>A minute, at a millisecond each: the launcher makes the network meanwhile.</summary>
    private const int MaxTries = 60_000;

    public static int Run()
    {
        // The agent runs as the same user: without this it could read this process's memory and open its files through /proc.
        Check(LibC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "hide from the agent");
        IgnoreSignals();
        var launcher = Connect();
        if (launcher < 0)
            return 70;
        var message = Receive(launcher);
        SpawnedProcess agent;
        try
        {
            Check(InitCalls.chdir(message.Folder), $"enter {message.Folder}");
            InstallFilter();
            agent = Start(message);
        }
        catch (Exception e)
        {
            var reason = System.Text.Encoding.UTF8.GetBytes(e.Message);
            Send(launcher, [StartMessage.NotStarted, .. reason]);
            return 127;
        }

        Send(launcher, [StartMessage.Started]);
        new Thread(() => Follow(launcher, agent.Id), 64 * 1024) { IsBackground = true }.Start();
        var code = Reap(agent.Id);
        // The engine tells it too; but an engine can be gone by then.
        Send(launcher, [StartMessage.Ended, (byte)code]);
        InitCalls._exit(code);
        return code;
    }

    // The kernel drops what process 1 has no handler for, but not while its first thread blocks the signal, as posix_spawn(3) does for a moment, and
    // another thread does not: then the default action ends them all (complete_signal(), since Linux 4.15). The agent may just have started. Its own
    // dispositions are set back to the defaults.
    private static void IgnoreSignals()
    {
        var call = (nint)(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 134 : 13);
        // struct kernel_sigaction: handler(8), flags(8), restorer(8), mask(8)
        var action = stackalloc nint[4];
        var was = stackalloc nint[4];
        for (var signal = 1; signal <= 64; signal++)
        {
            // Those of faults, and those that the runtime handles, stay as they are; so do a child's end, and what can not be ignored.
            if (signal is 4 or 5 or 7 or 8 or 9 or 11 or 17 or 18 or 19 or 31 || LibC.syscall(call, signal, 0, (nint)was, 8, 0) != 0 || was[0] != 0)
                continue;
            action[0] = 1;
            _ = LibC.syscall(call, signal, (nint)action, 0, 8, 0);
        }
    }

    /// <summary>execvp(3), with the agent's own PATH and without this process's environment.</summary>
    private static SpawnedProcess Start(StartMessage message)
    {
        var program = message.Command[0];
        if (program.Contains('/', StringComparison.Ordinal))
            return SpawnedProcess.Start(message.Command, message.Environment);
        var path = message.Environment.FirstOrDefault(variable => variable.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? "/usr/bin:/bin";
        foreach (var folder in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = $"{folder}/{program}";
            if (File.Exists(candidate))
                return SpawnedProcess.Start([candidate, .. message.Command.Skip(1)], message.Environment);
        }

        throw new FileNotFoundException($"{program}: not found in the image (PATH is {path})");
    }

    private static int Connect()
    {
        for (var i = 0; i < MaxTries; i++)
        {
            var fd = Check(LibC.socket(LibC.AF_INET, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0), "make a socket");
            var connected = -1;
            InitCalls.WithAddress(SocketFactory.GateAddress, StartMessage.Port, (address, length) => connected = LibC.connect(fd, address, length));
            if (connected == 0)
                return fd;
            _ = LibC.close(fd);
            _ = InitCalls.usleep(1000);
        }

        return -1;
    }

    private static StartMessage Receive(int launcher)
    {
        var head = new byte[4];
        ReadAll(launcher, head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 1 or > StartMessage.MaxBytes)
            InitCalls._exit(70);
        var body = new byte[length];
        ReadAll(launcher, body);
        return StartMessage.FromBytes(body);
    }

    private static void ReadAll(int launcher, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var length = LibC.Receive(launcher, buffer);
            if (length <= 0)
                InitCalls._exit(70);
            buffer = buffer[(int)length..];
        }
    }

    private static void Send(int launcher, ReadOnlySpan<byte> bytes) => _ = LibC.SendAll(launcher, bytes);

    // Process 1 is sent no signal that it does not handle: what the launcher wants the agent to get comes by this way.
    private static void Follow(int launcher, int agent)
    {
        var signal = new byte[1];
        while (LibC.Receive(launcher, signal) == 1)
            _ = LibC.kill(agent, signal[0]);
        InitCalls._exit(70);
    }

    private static int Reap(int agent)
    {
        while (true)
        {
            int status;
            var ended = LibC.waitpid(-1, &status, 0);
            if (ended == agent)
            {
                var signal = status & 0x7f;
                return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
            }

            if (ended < 0 && Marshal.GetLastPInvokeError() != LibC.EINTR)
                return 70;
        }
    }

    // On top of the engine's own filter: both must allow a call.
    private static void InstallFilter()
    {
        Check(LibC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges");
        var seccomp = (nint)(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 277 : 317);
        var filter = SystemCallFilter.Assemble();
        fixed (byte* instructions = filter)
        {
            // struct sock_fprog: len(2), padding to a pointer, pointer
            var program = stackalloc byte[16];
            *(ushort*)program = (ushort)(filter.Length / 8);
            *(byte**)(program + 8) = instructions;
            Check(LibC.syscall(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, (nint)program, 0, 0), "install the system call filter");
        }
    }
}
