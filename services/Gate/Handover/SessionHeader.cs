using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.Gate.Handover;

/// <summary>
/// The one message a launcher sends to a gate: this header as JSON (UTF-8, at most <see cref="MaxBytes"/>), preceded by its
/// length as 4 bytes little-endian, with the sockets as SCM_RIGHTS ancillary data on the first byte. The gate answers with one
/// line of JSON, <see cref="SessionReply"/>, and from then on the connection is the lease.
/// </summary>
public sealed record SessionHeader
{
    public const int MaxBytes = 64 * 1024;

    /// <summary>Linux refuses more descriptors in one message (SCM_MAX_FD).</summary>
    public const int MaxSockets = 253;

    public int Version { get; init; } = 1;

    /// <summary>Session id: 1–40 of <c>a–z 0–9 -</c>.</summary>
    public required string Session { get; init; }

    /// <summary>Absolute path of the policy file.</summary>
    public required string Policy { get; init; }

    /// <summary>SHA-256 of the policy file's bytes when the launcher read it, lower-case hex. A gate that reads other bytes answers with an error.</summary>
    public required string PolicySha256 { get; init; }

    /// <summary>W3C trace context of the session's root span.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What each descriptor is, in the order of the ancillary data.</summary>
    public required ImmutableArray<SocketDescription> Sockets { get; init; }

    /// <summary>
    /// To the secrets gate alone: values of the variables that <c>env:</c> sources name, as found in the launcher's environment.
    /// </summary>
    public ImmutableDictionary<string, string>? Environment { get; init; }

    /// <summary>Never prints <see cref="Environment"/>.</summary>
    public override string ToString() => $"session {Session}, {Sockets.Length} sockets";
}

/// <param name="Ready">True when the gate serves the session.</param>
/// <param name="Error">Why not: what, why, what to do.</param>
public sealed record SessionReply(bool Ready, string? Error = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SessionHeader))]
[JsonSerializable(typeof(SessionReply))]
public sealed partial class HandoverJson : JsonSerializerContext;
