using System.Runtime.InteropServices;
using Gatehouse.Gate.Native;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.Gate.Handover;

/// <summary>
/// Says that this process is the one gate of its name. The kernel lets go of it however the process ends, so whoever holds it may
/// remove what a dead one left. The file stays: removing it would let two processes hold locks on two files of one name.
/// </summary>
internal sealed class GateLock : IDisposable
{
    private const uint Mode = 0x180; // 0600

    private readonly SafeFileHandle _file;

    private GateLock(SafeFileHandle file) => _file = file;

    /// <exception cref="IOException">Another process holds it.</exception>
    public static GateLock Take(string path, string what)
    {
        // Not File.OpenHandle: that takes locks of its own, and reports ours as a sharing violation.
        var file = new SafeFileHandle(Libc.open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC, Mode), ownsHandle: true);
        if (file.IsInvalid)
            throw new IOException($"{path} can not be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        if (Libc.flock(file, Libc.LOCK_EX | Libc.LOCK_NB) == 0)
            return new(file);
        file.Dispose();
        throw new IOException(
            $"{what} is in use by another process ({path} is locked). Stop it (gatehouse down), or set GATEHOUSE_RUN and GATEHOUSE_STATE.");
    }

    public void Dispose() => _file.Dispose();
}
