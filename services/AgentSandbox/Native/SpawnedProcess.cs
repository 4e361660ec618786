using System.Runtime.InteropServices;
using System.Text;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>
/// posix_spawn(3): unlike <see cref="System.Diagnostics.Process"/> it starts the child from the calling thread, with default signal dispositions and an
/// exact environment. Use it from the main thread alone: the child's parent-death signal is tied to the thread that made it.
/// </summary>
internal sealed unsafe partial class SpawnedProcess
{
    private const short SETSIGDEF = 0x04, SETSIGMASK = 0x08, SETSID = 0x80;
    private int? _status;

    private SpawnedProcess(int id) => Id = id;

    public int Id { get; }

    /// <param name="arguments">Absolute path of the program, then its arguments.</param>
    /// <param name="environment">All of its environment, <c>NAME=value</c>.</param>
    /// <param name="standardInput">Descriptor that becomes 0; -1 to inherit. Likewise 1 and 2.</param>
    /// <param name="newSession">Whether to leave the caller's terminal (setsid).</param>
    public static SpawnedProcess Start(
        IReadOnlyList<string> arguments, IEnumerable<string> environment, int standardInput = -1, int standardOutput = -1, int standardError = -1,
        bool newSession = false)
    {
        // Larger than glibc's and musl's structs on any architecture.
        var actions = stackalloc byte[1024];
        var attributes = stackalloc byte[1024];
        var signals = stackalloc byte[128];
        _ = posix_spawn_file_actions_init(actions);
        _ = posix_spawnattr_init(attributes);
        using var argv = new NativeStrings(arguments);
        using var envp = new NativeStrings(environment);
        try
        {
            if (standardInput >= 0)
                _ = posix_spawn_file_actions_adddup2(actions, standardInput, 0);
            if (standardOutput >= 0)
                _ = posix_spawn_file_actions_adddup2(actions, standardOutput, 1);
            if (standardError >= 0)
                _ = posix_spawn_file_actions_adddup2(actions, standardError, 2);
            new Span<byte>(signals, 128).Clear();
            _ = posix_spawnattr_setsigmask(attributes, signals);
            new Span<byte>(signals, 128).Fill(0xff);
            _ = posix_spawnattr_setsigdefault(attributes, signals);
            _ = posix_spawnattr_setflags(attributes, (short)(SETSIGDEF | SETSIGMASK | (newSession ? SETSID : 0)));
            int id;
            var error = posix_spawn(&id, argv.Pointer[0], actions, attributes, argv.Pointer, envp.Pointer);
            return error == 0 ? new(id) : throw new SystemCallException($"start {arguments[0]}", error);
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code, or 128 + the signal that ended it.</returns>
    public int Wait()
    {
        int status;
        while (_status is null)
        {
            if (LibC.waitpid(Id, &status, 0) == Id)
                _status = status;
            else if (Marshal.GetLastPInvokeError() != LibC.EINTR)
                throw new SystemCallException($"wait for process {Id}", Marshal.GetLastPInvokeError());
        }

        var signal = _status.Value & 0x7f;
        return signal == 0 ? (_status.Value >> 8) & 0xff : 128 + signal;
    }

    /// <summary>Looks without waiting.</summary>
    public bool HasEnded()
    {
        const int WNOHANG = 1;
        int status;
        if (_status is null && LibC.waitpid(Id, &status, WNOHANG) == Id)
            _status = status;
        return _status is not null;
    }

    /// <summary>Sends a signal, unless it has been waited for: its id may be another's by then.</summary>
    public void Kill(int signal)
    {
        if (_status is null)
            _ = LibC.kill(Id, signal);
    }

    [LibraryImport("libc")]
    private static partial int posix_spawn(int* id, byte* path, byte* actions, byte* attributes, byte** argv, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);
}

/// <summary>A null-terminated array of null-terminated UTF-8 strings in native memory, as exec wants it.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    public NativeStrings(IEnumerable<string> strings)
    {
        var list = strings.ToList();
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)list.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < list.Count; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(list[i]);
            if (bytes.AsSpan().Contains((byte)0))
                throw new ArgumentException("an argument or variable contains NUL", nameof(strings));
            Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
            bytes.CopyTo(new Span<byte>(Pointer[i], bytes.Length));
        }
    }

    public byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null)
            return;
        for (var each = Pointer; *each is not null; each++)
            NativeMemory.Free(*each);
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
