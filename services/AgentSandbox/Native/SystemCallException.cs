using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>A system call failed that should not have: what was being done, and the kernel's reason.</summary>
internal sealed class SystemCallException(string doing, int error)
    : Exception($"{doing}: {new Win32Exception(error).Message} (errno {error})")
{
    public int Error { get; } = error;

    /// <summary>Passes a result on; -1 becomes an exception with errno.</summary>
    public static int Check(int result, string doing) =>
        result >= 0 ? result : throw new SystemCallException(doing, Marshal.GetLastPInvokeError());

    /// <inheritdoc cref="Check(int, string)"/>
    public static int Check(nint result, string doing) => Check((int)result, doing);
}
