using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Gate;

/// <summary>Accepts on a session's listening socket until the session ends, at most so many connections at a time.</summary>
public static class SessionAcceptor
{
    /// <summary>Connections of one session that are open at a time over all its listeners; more wait in the backlog.</summary>
    public const int MaxConnections = 1024;

    /// <summary>
    /// Runs until the session ends. <paramref name="handle"/> gets the accepted socket, which it owns, and the address the agent dialled
    /// (IPv4-mapped is unmapped); an exception from it closes that connection and is logged, never ends the loop.
    /// </summary>
    /// <param name="slots">Shared by all listeners of the session: one slot is held while <paramref name="handle"/> runs.</param>
    public static Task RunAsync(
        SessionSocket listener, SemaphoreSlim slots, Func<Socket, IPEndPoint, CancellationToken, Task> handle, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
