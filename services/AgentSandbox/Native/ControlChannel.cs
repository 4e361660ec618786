using System.Runtime.InteropServices;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Native;

/// <summary>
/// Whole messages with descriptors between launcher and keeper: a SOCK_SEQPACKET pair, one sendmsg(2) a message, descriptors as SCM_RIGHTS on it
/// (unix(7)). Neither end is the agent's.
/// </summary>
internal static unsafe class ControlChannel
{
    private const int SCM_RIGHTS = 1, MSG_CMSG_CLOEXEC = 0x40000000, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_NOSIGNAL = 0x4000;

    /// <summary>SCM_MAX_FD of the kernel.</summary>
    private const int MaxDescriptors = 253;

    /// <summary>A specification with hundreds of mounts is a tenth of this; the default socket buffer holds it.</summary>
    private const int MaxMessage = 160 * 1024;

    public static void Send(int channel, ReadOnlySpan<byte> message, IReadOnlyList<int> descriptors)
    {
        if (message.Length > MaxMessage || descriptors.Count > MaxDescriptors)
            throw new InvalidOperationException("the session's specification is too large: name fewer mounts and ports");
        var control = stackalloc byte[16 + MaxDescriptors * sizeof(int) + 8];
        var size = 16 + descriptors.Count * sizeof(int);
        *(nint*)control = size;
        ((int*)control)[2] = LibC.SOL_SOCKET;
        ((int*)control)[3] = SCM_RIGHTS;
        for (var i = 0; i < descriptors.Count; i++)
            ((int*)control)[4 + i] = descriptors[i];
        fixed (byte* data = message)
        {
            var part = new IoVector { Base = data, Length = (nuint)message.Length };
            var header = new MessageHeader { Parts = &part, PartCount = 1 };
            if (descriptors.Count > 0)
            {
                header.Control = control;
                header.ControlLength = (nuint)((size + 7) & ~7);
            }

            Check(LibC.sendmsg(channel, &header, MSG_NOSIGNAL), "send to the other half of the launcher");
        }
    }

    /// <returns>The message; empty when the other end is closed.</returns>
    public static byte[] Receive(int channel) => Receive(channel, out _);

    /// <param name="channel">The socket.</param>
    /// <param name="descriptors">Received descriptors, close-on-exec; the caller owns them.</param>
    public static byte[] Receive(int channel, out int[] descriptors)
    {
        var buffer = new byte[MaxMessage];
        var control = stackalloc byte[16 + MaxDescriptors * sizeof(int) + 8];
        int length;
        MessageHeader header;
        fixed (byte* data = buffer)
        {
            var part = new IoVector { Base = data, Length = (nuint)buffer.Length };
            do
            {
                header = new()
                {
                    Parts = &part,
                    PartCount = 1,
                    Control = control,
                    ControlLength = 16 + MaxDescriptors * sizeof(int) + 8,
                };
                length = (int)LibC.recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
            }
            while (length < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
            Check(length, "receive from the other half of the launcher");
        }

        descriptors = [];
        if (header.ControlLength >= 16 && ((int*)control)[2] == LibC.SOL_SOCKET && ((int*)control)[3] == SCM_RIGHTS)
            descriptors = new Span<int>(control + 16, (int)(*(nint*)control - 16) / sizeof(int)).ToArray();
        if ((header.Flags & (MSG_CTRUNC | MSG_TRUNC)) != 0)
            throw new InvalidDataException("a message between the halves of the launcher was cut: raise the open files limit (ulimit -n)");
        return buffer[..length];
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Parts;
        public nuint PartCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
