using System.Collections.Immutable;
using System.Diagnostics;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Handover;

/// <summary>A <see cref="SessionHeader"/> of which every member was checked, the sockets against the kernel.</summary>
internal sealed record SessionOffer(
    SessionId Id, string PolicyPath, string PolicySha256, ActivityContext Trace, ImmutableArray<SocketDescription> Sockets,
    ImmutableDictionary<string, string>? Environment)
{
    private const int MaxPath = 4096; // PATH_MAX

    /// <exception cref="SessionRefusedException">What is wrong with it.</exception>
    public static SessionOffer Check(SessionHeader header, ReceivedDescriptors descriptors)
    {
        if (header.Version != HandoverProtocol.Version)
            throw Refused(
                $"The launcher speaks version {header.Version}, this gate version {HandoverProtocol.Version}. "
                + "Use one version of Gatehouse for all parts.");
        if (!SessionId.TryParse(header.Session, out var id))
            throw Refused("The session id must be 1 to 40 of a-z, 0-9 and -.");
        if (header.Policy is not { Length: > 0 and <= MaxPath } path || !Path.IsPathFullyQualified(path) || path.Contains('\0'))
            throw Refused("The policy's path must be absolute.");
        if (header.PolicySha256 is not { Length: 64 } hash || !hash.All(char.IsAsciiHexDigitLower))
            throw Refused("The policy's hash must be 64 lower-case hex digits.");
        var trace = default(ActivityContext);
        if (header.TraceParent is not null && !ActivityContext.TryParse(header.TraceParent, null, isRemote: true, out trace))
            throw Refused("traceparent is not a W3C trace context.");
        if (header.Sockets.IsDefault || header.Sockets.Length != descriptors.Count)
            throw Refused($"{(header.Sockets.IsDefault ? 0 : header.Sockets.Length)} sockets are described, {descriptors.Count} came.");
        for (var i = 0; i < descriptors.Count; i++)
        {
            if (header.Sockets[i] is not { } description)
                throw Refused($"sockets[{i}] is null.");
            if (SocketCheck.Verify(descriptors[i], description) is { } problem)
                throw Refused($"sockets[{i}] ({description.Purpose} {description.Port}) {problem}.");
        }
        return new(id, path, hash, trace, header.Sockets, header.Environment);
    }

    /// <summary>The sockets, which own their descriptors from now on.</summary>
    public ImmutableArray<SessionSocket> TakeSockets(ReceivedDescriptors descriptors)
    {
        var sockets = ImmutableArray.CreateBuilder<SessionSocket>(Sockets.Length);
        for (var i = 0; i < Sockets.Length; i++)
            sockets.Add(new(Sockets[i], descriptors[i]));
        descriptors.Release();
        return sockets.MoveToImmutable();
    }

    /// <summary>Never prints <see cref="Environment"/>.</summary>
    public override string ToString() => $"session {Id}, {Sockets.Length} sockets";

    private static SessionRefusedException Refused(string message) => new(message);
}
