using Gatehouse.Policy.Agent;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>What the policy says about a session's container, and where the session keeps what belongs to it.</summary>
internal sealed record ContainerSettings
{
    /// <summary>The image when the policy names none: what <c>gatehouse image build</c> makes.</summary>
    public const string DefaultImage = "gatehouse/agent";

    public required string Session { get; init; }

    /// <summary><see cref="Isolation.Docker"/> or <see cref="Isolation.Podman"/>.</summary>
    public required Isolation Isolation { get; init; }

    public required string Image { get; init; }

    /// <summary>OCI runtime; null for the engine's default.</summary>
    public string? Runtime { get; init; }

    public required AgentLimits Limits { get; init; }

    /// <summary>Whether the agent may write to the image's own files, in a layer of its own.</summary>
    public required bool WritableRoot { get; init; }

    /// <summary>Whether the policy sets PATH; else the image's is taken.</summary>
    public required bool HasPath { get; init; }

    /// <summary>The state directory: markers of what is to be cleaned up are below it.</summary>
    public required string State { get; init; }

    /// <summary>The session's folder below it.</summary>
    public required string Folder { get; init; }

    /// <summary>The run directory, for a socket that a helper container is given.</summary>
    public required string Run { get; init; }

    /// <summary>Says what takes long, such as a download.</summary>
    public required Action<string> Progress { get; init; }

    public string EngineName => Isolation == Isolation.Docker ? "docker" : "podman";

    public string ContainerName => "gatehouse-" + Session;
}
