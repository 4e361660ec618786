using System.Runtime.InteropServices;

namespace Gatehouse.Gate.Native;

/// <summary>One sendmsg(2) or recvmsg(2) with descriptors as SCM_RIGHTS (unix(7)).</summary>
internal static unsafe class DescriptorMessage
{
    /// <summary>SCM_MAX_FD of the kernel.</summary>
    public const int MaxDescriptors = 253;

    private const int SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_NOSIGNAL = 0x4000;

    /// <summary>struct cmsghdr (len(8), level(4), type(4)), the descriptors, and the alignment behind them.</summary>
    private const int ControlSize = 16 + MaxDescriptors * sizeof(int) + 8;

    /// <returns>Bytes sent, -1 with errno.</returns>
    public static int Send(int socket, ReadOnlySpan<byte> data, IReadOnlyList<int> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Count, MaxDescriptors);
        var control = stackalloc byte[ControlSize];
        var size = 16 + descriptors.Count * sizeof(int);
        *(nint*)control = size;
        ((int*)control)[2] = LibC.SOL_SOCKET;
        ((int*)control)[3] = SCM_RIGHTS;
        for (var i = 0; i < descriptors.Count; i++)
            ((int*)control)[4 + i] = descriptors[i];
        fixed (byte* bytes = data)
        {
            var part = new IoVector { Base = bytes, Length = (nuint)data.Length };
            var header = new MessageHeader { Parts = &part, PartCount = 1 };
            if (descriptors.Count > 0)
            {
                header.Control = control;
                header.ControlLength = (nuint)((size + 7) & ~7);
            }

            nint sent;
            do
            {
                sent = LibC.sendmsg(socket, &header, MSG_NOSIGNAL);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
            return (int)sent;
        }
    }

    /// <param name="socket">Where from.</param>
    /// <param name="data">Where to.</param>
    /// <param name="descriptors">What came along, close-on-exec. The caller owns them, whatever the result.</param>
    /// <param name="isCut">True when bytes or descriptors did not fit: the message is not to be used.</param>
    /// <returns>Bytes received, 0 at the end, -1 with errno.</returns>
    public static int Receive(int socket, Span<byte> data, out int[] descriptors, out bool isCut)
    {
        var control = stackalloc byte[ControlSize];
        MessageHeader header;
        nint received;
        fixed (byte* bytes = data)
        {
            var part = new IoVector { Base = bytes, Length = (nuint)data.Length };
            do
            {
                header = new() { Parts = &part, PartCount = 1, Control = control, ControlLength = ControlSize };
                received = LibC.recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        }

        descriptors = [];
        if (received >= 0 && header.ControlLength >= 16 && ((int*)control)[2] == LibC.SOL_SOCKET && ((int*)control)[3] == SCM_RIGHTS)
            descriptors = new Span<int>(control + 16, (int)(*(nint*)control - 16) / sizeof(int)).ToArray();
        isCut = received >= 0 && (header.Flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
        return (int)received;
    }
}
