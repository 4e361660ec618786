using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Gate.Tests.Handover;

public sealed partial class TapTests
{
    [Fact]
    public async Task Tap_HandedOver_IsKnownAndLeftToTheGate()
    {
        Assert.True(Environment.IsPrivilegedProcess, "needs root to open a packet socket: run ./test.sh");
        await using var gate = await TestGate.StartAsync<TapGate>();
        var descriptor = socket(17, 2, 0); // AF_PACKET, SOCK_DGRAM; no protocol: nothing of this machine's is seen
        Assert.True(descriptor >= 0, Marshal.GetLastPInvokeErrorMessage());
        var tap = new SessionSocket(new(SocketPurpose.Tap, 0, false), new SafeSocketHandle(descriptor, ownsHandle: true));

        var lease = await gate.OpenSessionAsync(Agent.DenyPolicy, tap);
        var served = ((TapGate)gate.App.Services.GetRequiredService<IGate>()).Tap!;
        Assert.Equal(SocketPurpose.Tap, served.Description.Purpose);
        Assert.False(served.Handle.IsClosed);
        lease.Dispose();
        await Eventually.TrueAsync(() => served.Handle.IsClosed);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    private sealed class TapGate : IGate, IAsyncDisposable
    {
        public SessionSocket? Tap { get; private set; }

        public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken)
        {
            Tap = session.Sockets.Single();
            return ValueTask.FromResult<IAsyncDisposable>(this);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
