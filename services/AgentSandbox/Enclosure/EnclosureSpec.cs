using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.Gate.Handover;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// What the launcher asks the keeper for: the keeper is this same program, started in the session's new namespaces, where it makes the
/// network, the sockets and the mounts, and then becomes bubblewrap. Everything is absolute and validated; the agent has no part in it.
/// </summary>
internal sealed record EnclosureSpec
{
    public required ImmutableArray<SocketDescription> Sockets { get; init; }

    public required ImmutableArray<LayeredMount> Mounts { get; init; }

    public required ImmutableArray<ScratchSpec> Scratch { get; init; }

    /// <summary>Files of the synthetic /etc: path below /etc to content.</summary>
    public required ImmutableDictionary<string, string> Etc { get; init; }

    /// <summary>Likewise, from a file of the host: what is too large for a message.</summary>
    public required ImmutableDictionary<string, string> EtcFromHost { get; init; }

    /// <summary>What the agent's program gets as its environment.</summary>
    public required ImmutableDictionary<string, string> Environment { get; init; }

    public required ImmutableArray<string> Command { get; init; }

    /// <summary>Absolute, inside.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Path of bubblewrap on the host; null for a container.</summary>
    public string? Bubblewrap { get; init; }

    /// <summary>User and group ids, as the host's kernel knows them, that the agent runs under.</summary>
    public required uint HostUid { get; init; }

    public required uint HostGid { get; init; }

    /// <summary>True when the keeper is the host's root, and so drops to <see cref="HostUid"/> before the agent starts.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>Whether connections are made into the enclosure while it runs.</summary>
    public bool Publishes { get; init; }

    /// <summary>RLIMIT_NPROC; null leaves what there is.</summary>
    public int? Processes { get; init; }
}

/// <summary>A host directory or file as the agent sees it.</summary>
/// <param name="Host">What it is made from.</param>
/// <param name="At">Where it appears.</param>
/// <param name="Upper">Directory that holds <c>upper</c> and <c>work</c> for a writable overlay; null for a read-only view.</param>
/// <param name="Mask">Directory of whiteouts above <paramref name="Host"/>; null when nothing is hidden.</param>
/// <param name="Direct">True to mount <paramref name="Host"/> itself, writable: a worktree.</param>
/// <param name="MapOwner">Root only: uid and gid on disk that appear as the agent's; null to leave owners as they are.</param>
internal sealed record LayeredMount(string Host, string At, string? Upper, string? Mask, bool Direct, Owner? MapOwner);

/// <summary>Owner of files on disk.</summary>
internal readonly record struct Owner(uint Uid, uint Gid);

/// <param name="At">Where it appears.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Exec">Whether programs may be started from it.</param>
internal sealed record ScratchSpec(string At, long Size, bool Exec);

/// <summary>The keeper's first answer, with the sockets as ancillary data; then it waits for one byte.</summary>
internal sealed record KeeperReply(bool Ready, string? Error);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EnclosureSpec))]
[JsonSerializable(typeof(KeeperReply))]
internal sealed partial class EnclosureJson : JsonSerializerContext;
