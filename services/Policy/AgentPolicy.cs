using System.Collections.Immutable;
using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Filesystem;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.Policy;

/// <summary>A whole <c>gatehouse.yaml</c>, validated and immutable. Host paths and templates in it are still as written.</summary>
public sealed record AgentPolicy
{
    public required AgentSettings Agent { get; init; }

    public required FilesystemPolicy Filesystem { get; init; }

    public required EgressPolicy Egress { get; init; }

    public required ImmutableArray<SecretPolicy> Secrets { get; init; }

    /// <summary>Commands the agent may run; default (<c>IsDefault</c>): whatever the root holds.</summary>
    public ImmutableArray<string> AllowedCommands { get; init; }

    public required WhenUnavailable WhenUnavailable { get; init; }
}
