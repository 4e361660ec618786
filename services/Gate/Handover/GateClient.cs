using System.Net.Sockets;

namespace Gatehouse.Gate.Handover;

/// <summary>The launcher's side: connects to <c>&lt;gate&gt;.sock</c>, hands a session's sockets over, waits for the answer.</summary>
public static class GateClient
{
    /// <summary>Hands <paramref name="descriptors"/> over; the caller still owns, and must close, its copies.</summary>
    /// <param name="socketPath">The gate's unix socket.</param>
    /// <param name="header">What the descriptors are, in the same order.</param>
    /// <param name="descriptors">File descriptors.</param>
    /// <returns>The lease: the gate serves the session until it is closed, by whatever end of this process.</returns>
    /// <exception cref="GateUnavailableException">Nobody listens, the answer is an error, or none came in 10 s.</exception>
    public static Task<Socket> OpenSessionAsync(
        string socketPath, SessionHeader header, IReadOnlyList<int> descriptors, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}

/// <summary>A gate is not there, or refused the session; the message says why and what to do.</summary>
public sealed class GateUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
