namespace Gatehouse.Gate;

/// <summary>What a boundary service does with a session. Implemented once a service, registered by <see cref="GateHosting.AddGate{TGate}"/>.</summary>
public interface IGate
{
    /// <summary>
    /// Begins to serve the session's sockets and returns when ready. The result is disposed when the lease ends, and must then close
    /// every listener and connection of the session within 5 s.
    /// </summary>
    /// <exception cref="SessionRefusedException">The session can not be served; the launcher gets the message.</exception>
    ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken);
}

/// <summary>The message goes to the person at the launcher: what, why, what to do.</summary>
public sealed class SessionRefusedException(string message) : Exception(message);
