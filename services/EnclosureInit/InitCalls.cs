using System.Net;
using System.Runtime.InteropServices;

namespace Gatehouse.EnclosureInit;

/// <summary>The system calls that only these two processes make.</summary>
internal static unsafe partial class InitCalls
{
    public delegate void AddressAction(byte* address, uint length);

    public static void WithAddress(IPAddress address, int port, AddressAction action)
    {
        var endPoint = new IPEndPoint(address, port).Serialize();
        fixed (byte* data = endPoint.Buffer.Span)
            action(data, (uint)endPoint.Size);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chdir(string path);

    [LibraryImport("libc")]
    public static partial void _exit(int code);

    [LibraryImport("libc")]
    public static partial int usleep(uint microseconds);
}
