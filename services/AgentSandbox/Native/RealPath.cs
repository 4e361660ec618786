using System.Runtime.InteropServices;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>realpath(3).</summary>
internal static unsafe class RealPath
{
    /// <summary>The path without links or dots; null when it does not exist.</summary>
    public static string? Of(string path)
    {
        var real = LibC.realpath(path, null);
        if (real is null)
            return null;
        var text = Marshal.PtrToStringUTF8((nint)real);
        NativeMemory.Free(real);
        return text;
    }
}
