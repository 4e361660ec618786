using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gatehouse.Gate.Native;

/// <summary>Bytes with file descriptors over a unix stream socket (SCM_RIGHTS, unix(7)).</summary>
internal static unsafe class DescriptorChannel
{
    // struct cmsghdr: size_t length, int level, int type; data follows, aligned to 8.
    private const int ControlHeader = 16;

    /// <summary>Sends the bytes, the descriptors with the first of them, without blocking.</summary>
    /// <returns>How many bytes went out: the rest is sent as ordinary data.</returns>
    public static int Send(SafeSocketHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors)
    {
        Span<byte> control = stackalloc byte[Aligned(ControlHeader + descriptors.Length * sizeof(int))];
        control.Clear();
        MemoryMarshal.Write(control, (long)(ControlHeader + descriptors.Length * sizeof(int)));
        MemoryMarshal.Write(control[8..], Libc.SOL_SOCKET);
        MemoryMarshal.Write(control[12..], Libc.SCM_RIGHTS);
        MemoryMarshal.AsBytes(descriptors).CopyTo(control[ControlHeader..]);

        fixed (byte* bytes = data, controlBytes = control)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)data.Length };
            var message = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (!descriptors.IsEmpty)
            {
                message.Control = controlBytes;
                message.ControlLength = (nuint)control.Length;
            }
            nint sent;
            do
            {
                sent = Libc.sendmsg(socket, &message, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            return sent >= 0 ? (int)sent : throw new IOException($"sendmsg: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>
    /// Receives what is there, without blocking. Descriptors are added to <paramref name="descriptors"/>, which owns them whatever is returned.
    /// </summary>
    public static ReceiveOutcome Receive(SafeSocketHandle socket, Span<byte> buffer, ReceivedDescriptors descriptors, out int received)
    {
        Span<byte> control = stackalloc byte[Aligned(ControlHeader + ReceivedDescriptors.Max * sizeof(int))];
        fixed (byte* bytes = buffer, controlBytes = control)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)buffer.Length };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = controlBytes,
                ControlLength = (nuint)control.Length,
            };
            nint count;
            do
            {
                count = Libc.recvmsg(socket, &message, Libc.MSG_DONTWAIT | Libc.MSG_CMSG_CLOEXEC);
            }
            while (count < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);

            received = (int)Math.Max(count, 0);
            if (count < 0)
                return Marshal.GetLastPInvokeError() == Libc.EAGAIN ? ReceiveOutcome.NotYet : ReceiveOutcome.Broken;
            var fits = Collect(control[..(int)message.ControlLength], descriptors);
            if (!fits || (message.Flags & Libc.MSG_CTRUNC) != 0)
                return ReceiveOutcome.TooManyDescriptors;
            return count == 0 ? ReceiveOutcome.Ended : ReceiveOutcome.Data;
        }
    }

    private static bool Collect(ReadOnlySpan<byte> control, ReceivedDescriptors descriptors)
    {
        var fits = true;
        while (control.Length >= ControlHeader)
        {
            var length = (int)Math.Min(MemoryMarshal.Read<long>(control), control.Length);
            if (length < ControlHeader)
                break;
            if (MemoryMarshal.Read<int>(control[8..]) == Libc.SOL_SOCKET && MemoryMarshal.Read<int>(control[12..]) == Libc.SCM_RIGHTS)
            {
                // Each one is ours from here on, also those over the bound: they must be closed.
                foreach (var descriptor in MemoryMarshal.Cast<byte, int>(control[ControlHeader..length]))
                    fits &= descriptors.Add(descriptor);
            }
            control = control[Math.Min(Aligned(length), control.Length)..];
        }
        return fits;
    }

    private static int Aligned(int length) => (length + 7) & ~7;
}

internal enum ReceiveOutcome
{
    Data,
    NotYet,
    Ended,
    Broken,
    TooManyDescriptors,
}
