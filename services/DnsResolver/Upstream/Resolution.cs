using System.Collections.Immutable;
using System.Net;

namespace Gatehouse.DnsResolver.Upstream;

/// <summary>How asking upstream ended.</summary>
internal enum ResolutionOutcome
{
    Resolved,

    /// <summary>The name is not there, or has no address (definitive, RFC 2308).</summary>
    NoAddress,

    /// <summary>No server answered in time, or only with failures.</summary>
    Failed,
}

/// <param name="Outcome">How it ended.</param>
/// <param name="Addresses">As the servers gave them, IPv4 and IPv6.</param>
/// <param name="Lifetime">How long this may be used.</param>
internal sealed record Resolution(ResolutionOutcome Outcome, ImmutableArray<IPAddress> Addresses, TimeSpan Lifetime);
