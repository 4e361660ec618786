using System.Net;

namespace Gatehouse.Gate.Kestrel;

/// <summary>
/// Where Kestrel gets the connections that a gate's own accept loop hands it. One queue an application: connections of every session
/// go through it, each carrying its <see cref="ISessionFeature"/>. Registered by <c>AddSessionListener</c>; bind it with
/// <c>kestrel.Listen(new SessionEndPoint("http"))</c>.
/// </summary>
public sealed class SessionEndPoint(string name) : EndPoint
{
    public string Name { get; } = name;

    public override string ToString() => $"session:{Name}";
}

/// <summary>On every connection and request that came from an enclosure.</summary>
public interface ISessionFeature
{
    GateSession Session { get; }

    /// <summary>The address the agent dialled.</summary>
    IPEndPoint Dialled { get; }

    /// <summary>Which socket it came in on.</summary>
    Handover.SocketPurpose Purpose { get; }
}

/// <inheritdoc cref="ISessionFeature"/>
public sealed record SessionFeature(GateSession Session, IPEndPoint Dialled, Handover.SocketPurpose Purpose) : ISessionFeature;
