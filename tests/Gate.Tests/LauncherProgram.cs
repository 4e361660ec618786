using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests;

/// <summary>Opens one session at the gate socket given, with the policy given, says on which port, and holds the lease until it is killed.</summary>
internal static class LauncherProgram
{
    private static async Task Main(string[] arguments)
    {
        using var socket = TestSockets.Listen(SocketPurpose.Transparent);
        var header = TestGate.Header(SessionId.Create(TimeProvider.System), arguments[1], socket);
        using var lease = await GateClient.OpenSessionAsync(arguments[0], header, [(int)socket.Handle.DangerousGetHandle()], CancellationToken.None);
        Console.WriteLine(socket.Description.Port);
        await Task.Delay(Timeout.Infinite);
    }
}
