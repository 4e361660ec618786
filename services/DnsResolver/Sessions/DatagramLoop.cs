using System.Runtime.InteropServices;
using Gatehouse.DnsResolver.Wire;
using Gatehouse.Gate;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>
/// Answers a session's UDP sockets on one thread of its own: recvmsg(2) and sendmsg(2) with IP_PKTINFO, because .NET can not choose the source of a
/// datagram, and the agent that asked 8.8.8.8 must be answered from 8.8.8.8.
/// </summary>
internal sealed unsafe partial class DatagramLoop : IAsyncDisposable
{
    /// <summary>No query is longer; what is cut off fails to parse.</summary>
    private const int MaxQuery = 4096;

    private const int MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, EFD_CLOEXEC = 0x80000, EAGAIN = 11, EINTR = 4;
    private const short POLLIN = 1;

    private readonly SessionResolver _resolver;
    private readonly List<SafeHandle> _sockets;
    private readonly SafeFileHandle _stop;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DatagramLoop(SessionResolver resolver, IEnumerable<SessionSocket> sockets)
    {
        _resolver = resolver;
        _sockets = [.. sockets.Select(socket => (SafeHandle)socket.Handle)];
        _stop = new SafeFileHandle(eventfd(0, EFD_CLOEXEC), ownsHandle: true);
        new Thread(Run) { IsBackground = true, Name = $"dns {resolver.Session.Id}" }.Start();
    }

    public ValueTask DisposeAsync()
    {
        ulong one = 1;
        _ = write((int)_stop.DangerousGetHandle(), &one, sizeof(ulong));
        return new(_ended.Task.ContinueWith(_ => _stop.Dispose(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default));
    }

    private void Run()
    {
        var held = 0;
        try
        {
            // The descriptors must not be closed, and so reused, under this thread.
            for (var added = false; held < _sockets.Count; held++, added = false)
                _sockets[held].DangerousAddRef(ref added);
            Loop();
        }
        catch (ObjectDisposedException)
        {
            // The session ended before the thread began.
        }
        finally
        {
            while (held-- > 0)
                _sockets[held].DangerousRelease();
            _ended.SetResult();
        }
    }

    private void Loop()
    {
        var count = _sockets.Count;
        var waiting = stackalloc PollEntry[count + 1];
        for (var i = 0; i < count; i++)
            waiting[i] = new() { Descriptor = (int)_sockets[i].DangerousGetHandle(), Events = POLLIN };
        waiting[count] = new() { Descriptor = (int)_stop.DangerousGetHandle(), Events = POLLIN };
        while (true)
        {
            if (poll(waiting, (nuint)count + 1, -1) < 0 && Marshal.GetLastPInvokeError() != EINTR)
                return;
            if (waiting[count].Returned != 0)
                return;
            for (var i = 0; i < count; i++)
            {
                // One socket's flood must not starve the other, nor the word to stop.
                for (var burst = 0; waiting[i].Returned != 0 && burst < 64 && AnswerOne(waiting[i].Descriptor); burst++)
                {
                }
            }
        }
    }

    private bool AnswerOne(int socket)
    {
        var query = stackalloc byte[MaxQuery];
        var reply = stackalloc byte[ReplyWriter.MaxReply];
        var peer = stackalloc byte[32];
        var control = stackalloc byte[64];
        var part = new Vector { Base = query, Length = MaxQuery };
        var message = new Message { Name = peer, NameLength = 32, Parts = &part, PartCount = 1, Control = control, ControlLength = 64 };
        var length = recvmsg(socket, &message, MSG_DONTWAIT);
        if (length < 0)
            return Marshal.GetLastPInvokeError() is not EAGAIN;
        var answer = _resolver.Answer(new(query, (int)length), new(reply, ReplyWriter.MaxReply), isStream: false);
        if (answer == 0)
            return true;
        // struct in_pktinfo: ifindex(4), spec_dst(4), addr(4); the address asked becomes the one to answer from. struct in6_pktinfo: addr(16), ifindex(4).
        if (message.ControlLength >= 28 && ((int*)control)[2] == 0)
            ((int*)control)[5] = ((int*)control)[6];
        part = new Vector { Base = reply, Length = (nuint)answer };
        message.Flags = 0;
        _ = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public byte* Name;
        public uint NameLength;
        public Vector* Parts;
        public nuint PartCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int socket, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int socket, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, void* data, nuint length);
}
