using System.Collections.Immutable;
using System.Net;

namespace Gatehouse.Policy.Agent;

/// <summary>What runs, where, and with how much.</summary>
public sealed record AgentSettings
{
    /// <summary>Program and arguments; empty when the policy names none.</summary>
    public required ImmutableArray<string> Command { get; init; }

    public required Isolation Isolation { get; init; }

    public string? Image { get; init; }

    public string? Runtime { get; init; }

    /// <summary>Name to value, with <c>${NAME}</c> still standing for the caller's variable of that name.</summary>
    public required ImmutableDictionary<string, string> Environment { get; init; }

    public required AgentLimits Limits { get; init; }

    public required ImmutableArray<PublishedPort> Publish { get; init; }
}

/// <summary>The mechanism that holds the agent's process.</summary>
public enum Isolation
{
    Bubblewrap,
    Docker,
    Podman,
}

/// <summary>Upper bounds of a session; null is unbounded.</summary>
/// <param name="Memory">Bytes.</param>
/// <param name="Processes">Processes and threads.</param>
/// <param name="Cpus">Cores.</param>
/// <param name="Duration">Wall time, after which the session ends.</param>
public sealed record AgentLimits(long? Memory, int? Processes, double? Cpus, TimeSpan? Duration);

/// <summary>A server inside the enclosure that the host may reach.</summary>
public sealed record PublishedPort(int Inside, IPEndPoint Host);
