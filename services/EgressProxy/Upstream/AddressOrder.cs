using System.Collections.Immutable;
using System.Net;

namespace Gatehouse.EgressProxy.Upstream;

/// <summary>The order in which a host's addresses are tried.</summary>
internal static class AddressOrder
{
    /// <summary>
    /// Families by turns, beginning with the first address's (RFC 8305 §4): when one family is broken, the other one's first address
    /// is tried second, not last.
    /// </summary>
    public static IEnumerable<IPAddress> Interleave(ImmutableArray<IPAddress> addresses)
    {
        var first = addresses.Where(a => a.AddressFamily == addresses[0].AddressFamily).ToArray();
        var second = addresses.Where(a => a.AddressFamily != addresses[0].AddressFamily).ToArray();
        for (var i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length)
                yield return first[i];
            if (i < second.Length)
                yield return second[i];
        }
    }
}
