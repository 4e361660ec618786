using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Handover;

public sealed partial class PeerTests
{
    private const int Nobody = 65534;

    [Fact]
    public async Task Connection_OfAnotherUser_IsClosedUnheard()
    {
        Assert.True(Environment.IsPrivilegedProcess, "needs root to become another user: run ./test.sh");
        await using var gate = await TestGate.StartAsync<EchoGate>();
        // What would keep others out before they are asked who they are.
        foreach (var folder in new[] { gate.Folder, Path.GetDirectoryName(gate.SocketPath)! })
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_001_001);
        File.SetUnixFileMode(gate.SocketPath, (UnixFileMode)0b110_110_110);

        using var stranger = await ConnectAsync(gate.SocketPath, Nobody);
        Assert.True(await stranger.IsClosedAsync());

        using var own = await ConnectAsync(gate.SocketPath, null);
        await own.SendAsync(new byte[4]);
        Assert.Contains("bytes long", await own.ReadLineAsync(), StringComparison.Ordinal);
    }

    // The raw call changes the calling thread alone. It is taken back before anything else goes on: threads that one starts are as it is.
    private static Task<Socket> ConnectAsync(string path, int? user)
    {
        var connected = new TaskCompletionSource<Socket>();
        new Thread(() =>
        {
            try
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    Become(user);
                    socket.Connect(new UnixDomainSocketEndPoint(path));
                }
                finally
                {
                    Become(user is null ? null : 0);
                }

                connected.SetResult(socket);
            }
            catch (Exception error)
            {
                connected.SetException(error);
            }
        }).Start();
        return connected.Task.WaitAsync(Eventually.Bound);
    }

    private static void Become(int? user)
    {
        if (user is { } uid && syscall(RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 117 : 147, -1, uid, -1) != 0)
            throw new InvalidOperationException($"setresuid: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint real, nint effective, nint saved);
}
