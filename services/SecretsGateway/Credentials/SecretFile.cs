using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.SecretsGateway.Credentials;

/// <summary>Opens a credential's file without being held up by what is no file.</summary>
internal static unsafe partial class SecretFile
{
    private const int O_RDONLY = 0, O_NOCTTY = 0x100, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    private const int AT_EMPTY_PATH = 0x1000;
    private const uint STATX_TYPE = 1;

    /// <summary>
    /// Opens without waiting (open(2) of a FIFO waits for a writer), then asks the descriptor, not the path, what it is.
    /// </summary>
    /// <exception cref="IOException">It is not there, may not be read, or is not a regular file.</exception>
    public static SafeFileHandle Open(string path)
    {
        int descriptor;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            descriptor = open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (descriptor < 0)
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        // struct statx: mask(4), blksize(4), attributes(8), nlink(4), uid(4), gid(4), mode(2), …; 256 bytes on every architecture
        var status = stackalloc byte[256];
        byte empty = 0;
        if (statx(descriptor, &empty, AT_EMPTY_PATH, STATX_TYPE, status) == 0 && (*(ushort*)(status + 28) & 0xf000) == 0x8000)
            return handle;
        handle.Dispose();
        throw new IOException($"{path} is not a regular file");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);
}
