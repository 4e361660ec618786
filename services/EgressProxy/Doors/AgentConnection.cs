using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Kestrel;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>One connection that an agent made, from accept to close; requests that Kestrel reads from it find it as their session feature.</summary>
internal sealed class AgentConnection(GateSession session, HttpMessageInvoker upstream, Socket socket, IPEndPoint dialled, SocketPurpose purpose)
    : ISessionFeature
{
    private int _requests;

    public GateSession Session => session;

    /// <summary>The session's own pool of connections to origins.</summary>
    public HttpMessageInvoker Upstream => upstream;

    public Socket Socket => socket;

    public IPEndPoint Dialled => dialled;

    public SocketPurpose Purpose => purpose;

    public required Way Via { get; init; }

    /// <summary>Where every request on it must go; null on the explicit proxy, where each request says so itself.</summary>
    public Destination? To { get; init; }

    /// <summary>Set when nothing can be decided: every request is answered with it.</summary>
    public Denial Denial { get; init; }

    /// <summary>What a person allowed on it; a yes for once holds for the requests that follow on the same connection.</summary>
    public Destination? Approved { get; set; }

    /// <summary>Whether Kestrel read any request from it, however malformed.</summary>
    public bool HadRequest => Volatile.Read(ref _requests) != 0;

    /// <summary>What was dialled, when nothing better is known.</summary>
    public Destination DialledDestination => new(RemoteHost.Of(dialled.Address), dialled.Port);

    public void OnRequest() => Interlocked.Increment(ref _requests);
}
