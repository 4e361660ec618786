using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy;

namespace Gatehouse.Gate;

/// <summary>One session as a gate sees it. Whatever arrives on <see cref="Sockets"/> comes from this session's agent and nobody else.</summary>
public sealed class GateSession
{
    private volatile AgentPolicy _policy;
    private volatile bool _isSealed;
    private long _unsealed;

    public GateSession(
        SessionId id, AgentPolicy policy, string policyDirectory, ActivityContext trace, ImmutableArray<SessionSocket> sockets,
        ImmutableDictionary<string, string>? environment, CancellationToken ended)
    {
        Id = id;
        _policy = policy;
        PolicyDirectory = policyDirectory;
        Trace = trace;
        Sockets = sockets;
        Environment = environment ?? ImmutableDictionary<string, string>.Empty;
        Ended = ended;
    }

    public SessionId Id { get; }

    /// <summary>The policy in force now; swapped whole on reload. Read it once a decision.</summary>
    public AgentPolicy Policy => _policy;

    /// <summary>Absolute path of the folder that relative paths in the policy are below.</summary>
    public string PolicyDirectory { get; }

    /// <summary>Parent of every span of this session; default when the launcher sent none.</summary>
    public ActivityContext Trace { get; }

    public ImmutableArray<SessionSocket> Sockets { get; }

    /// <summary>Values for <c>env:</c> secrets that came with the session. Never log.</summary>
    public ImmutableDictionary<string, string> Environment { get; }

    /// <summary>Cancelled when the lease is gone.</summary>
    public CancellationToken Ended { get; }

    internal void Replace(AgentPolicy policy) => _policy = policy;

    /// <summary>One event more is on its way to the record.</summary>
    /// <returns>How many are to be sealed now; 0 before the session's end.</returns>
    internal long CountRecord()
    {
        Interlocked.Increment(ref _unsealed);
        return _isSealed ? Interlocked.Exchange(ref _unsealed, 0) : 0;
    }

    /// <summary>The session is over. What is still recorded of it is sealed by itself.</summary>
    /// <returns>How many events are to be sealed now.</returns>
    internal long Seal()
    {
        _isSealed = true;
        return Interlocked.Exchange(ref _unsealed, 0);
    }
}

/// <summary>
/// A socket that was born in the session's network namespace. <see cref="Socket"/> is made when first asked for: .NET has no sockets of the
/// tap's family, of which only <see cref="Handle"/> is of use.
/// </summary>
public sealed class SessionSocket(SocketDescription description, SafeSocketHandle handle) : IDisposable
{
    private Socket? _socket;

    public SessionSocket(SocketDescription description, Socket socket)
        : this(description, socket.SafeHandle) => _socket = socket;

    public SocketDescription Description => description;

    public SafeSocketHandle Handle => handle;

    public Socket Socket => _socket ??= new(handle);

    public void Dispose()
    {
        _socket?.Dispose();
        handle.Dispose();
    }
}
