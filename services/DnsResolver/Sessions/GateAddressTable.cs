using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Policy.Names;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>
/// The gate addresses of one session: one name ↔ one address of 198.18.0.0/15 (RFC 2544: never on the internet), in the order of first question.
/// Never evicted, since connections are mapped back by it; when full, new names are refused.
/// </summary>
internal sealed class GateAddressTable
{
    /// <summary>
    /// Names that are only asked about have a table of their own behind the other's addresses: an agent that makes names up can not use up what
    /// allowed names need. A person is never asked about so many.
    /// </summary>
    public const int AskedCapacity = 512;

    /// <summary>Names under a wildcard are the agent's to invent: this many are more than any work needs.</summary>
    public const int Capacity = 8_192;

    /// <summary>198.18.0.0; .1 is Gatehouse itself.</summary>
    private const uint Base = 0xc612_0000, First = Base + 2, FirstAsked = Base + 0x1_0000;

    private readonly ConcurrentDictionary<DomainName, IPAddress> _addresses = new();
    private readonly List<DomainName> _names = [];
    private readonly ConcurrentDictionary<DomainName, IPAddress> _asked = new();
    private readonly List<DomainName> _askedNames = [];

    public static IPAddress Own { get; } = FromNumber(Base + 1);

    /// <returns>Null when the table is full.</returns>
    public IPAddress? GetOrAdd(DomainName name) => GetOrAdd(name, _addresses, _names, First, Capacity);

    /// <returns>Null when the table of names that are asked about is full.</returns>
    public IPAddress? GetOrAddAsked(DomainName name) =>
        _addresses.TryGetValue(name, out var known) ? known : GetOrAdd(name, _asked, _askedNames, FirstAsked, AskedCapacity);

    private IPAddress? GetOrAdd(DomainName name, ConcurrentDictionary<DomainName, IPAddress> addresses, List<DomainName> names, uint first, int capacity)
    {
        if (addresses.TryGetValue(name, out var known))
            return known;
        lock (_names)
        {
            if (addresses.TryGetValue(name, out known))
                return known;
            if (names.Count == capacity)
                return null;
            var address = FromNumber(first + (uint)names.Count);
            names.Add(name);
            return addresses[name] = address;
        }
    }

    /// <summary>The name that an address stands for.</summary>
    public DomainName? Find(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
            return null;
        var number = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
        lock (_names)
            return Find(_names, number - (long)First) ?? Find(_askedNames, number - (long)FirstAsked);
    }

    private static DomainName? Find(List<DomainName> names, long index) => index >= 0 && index < names.Count ? names[(int)index] : null;

    private static IPAddress FromNumber(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
}
