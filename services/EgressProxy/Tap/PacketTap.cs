using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gatehouse.Gate;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>
/// Reads the session's packet socket on a thread of its own: .NET has no sockets of that family. Its filter was attached before it was handed over.
/// </summary>
internal sealed unsafe partial class PacketTap : IAsyncDisposable
{
    private const int MaxPacket = 256, MSG_DONTWAIT = 0x40, EFD_CLOEXEC = 0x80000, EINTR = 4, SOL_PACKET = 263, PACKET_STATISTICS = 6;
    private const short POLLIN = 1;
    private const byte PACKET_OUTGOING = 4;

    /// <summary>
    /// A flood must not keep the thread from noticing the end, nor take a processor outside the enclosure's limits: after so many packets it rests
    /// for so many milliseconds. What the kernel drops meanwhile is counted.
    /// </summary>
    private const int Burst = 256, Rest = 5;

    private readonly SafeSocketHandle _socket;
    private readonly PacketRecord _record;
    private readonly SafeFileHandle _stop;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isStopping;

    public PacketTap(SessionSocket socket, PacketRecord record, SessionId session)
    {
        _socket = socket.Handle;
        _record = record;
        _stop = new SafeFileHandle(eventfd(0, EFD_CLOEXEC), ownsHandle: true);
        if (_stop.IsInvalid)
            throw new IOException($"no eventfd for the tap: error {Marshal.GetLastPInvokeError()}");
        new Thread(Run) { IsBackground = true, Name = $"tap {session}" }.Start();
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isStopping, 1) != 0)
            return new(_ended.Task);
        ulong one = 1;
        _ = write((int)_stop.DangerousGetHandle(), &one, sizeof(ulong));
        return new(_ended.Task.ContinueWith(_ => _stop.Dispose(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default));
    }

    private void Run()
    {
        var held = false;
        try
        {
            _socket.DangerousAddRef(ref held);
            Loop((int)_socket.DangerousGetHandle());
        }
        catch (ObjectDisposedException)
        {
            // The session ended before the thread began.
        }
        finally
        {
            if (held)
                _socket.DangerousRelease();
            _ended.SetResult();
        }
    }

    private void Loop(int socket)
    {
        var waiting = stackalloc PollEntry[2];
        waiting[0] = new() { Descriptor = socket, Events = POLLIN };
        waiting[1] = new() { Descriptor = (int)_stop.DangerousGetHandle(), Events = POLLIN };
        while (true)
        {
            // Wakes without a packet only where counted repeats wait to be recorded.
            var ready = poll(waiting, 2, _record.IsPending ? (int)PacketRecord.Window.TotalMilliseconds : -1);
            if (ready < 0 && Marshal.GetLastPInvokeError() != EINTR)
                return;
            if (ready > 0 && waiting[1].Returned != 0)
                break;
            if (ready == 0)
                _record.Flush();
            if (ready > 0 && ReadBurst(socket) == Burst && poll(waiting + 1, 1, Rest) > 0)
                break;
        }

        // The agent may have tried in its last moment.
        ReadBurst(socket);
        _record.Flush();
    }

    private int ReadBurst(int socket)
    {
        var count = 0;
        while (count < Burst && ReadOne(socket))
            count++;

        // struct tpacket_stats: packets, drops; reading it resets it.
        var statistics = stackalloc uint[2];
        uint length = 2 * sizeof(uint);
        if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, statistics, &length) == 0 && statistics[1] > 0)
            _record.AddUnread((int)Math.Min(statistics[1], int.MaxValue / 2));
        return count;
    }

    private bool ReadOne(int socket)
    {
        var packet = stackalloc byte[MaxPacket];
        var address = stackalloc byte[20]; // struct sockaddr_ll: pkttype is at 10
        uint length = 20;
        var received = recvfrom(socket, packet, MaxPacket, MSG_DONTWAIT, address, &length);
        if (received < 0)
            return false;
        if (address[10] == PACKET_OUTGOING && PacketReader.TryRead(new(packet, (int)received), out var seen))
            _record.Add(seen);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvfrom(int socket, byte* data, nuint length, int flags, byte* address, uint* addressLength);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int socket, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, void* data, nuint length);
}
