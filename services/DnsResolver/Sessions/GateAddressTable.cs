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
    /// <summary>Names under a wildcard are the agent's to invent: this many are more than any work needs.</summary>
    public const int Capacity = 8_192;

    /// <summary>198.18.0.0; .1 is Gatehouse itself.</summary>
    private const uint Base = 0xc612_0000, First = Base + 2;

    private readonly ConcurrentDictionary<DomainName, IPAddress> _addresses = new();
    private readonly List<DomainName> _names = [];

    public static IPAddress Own { get; } = FromNumber(Base + 1);

    /// <returns>Null when the table is full.</returns>
    public IPAddress? GetOrAdd(DomainName name)
    {
        if (_addresses.TryGetValue(name, out var known))
            return known;
        lock (_names)
        {
            if (_addresses.TryGetValue(name, out known))
                return known;
            if (_names.Count == Capacity)
                return null;
            var address = FromNumber(First + (uint)_names.Count);
            _names.Add(name);
            return _addresses[name] = address;
        }
    }

    /// <summary>The name that an address stands for.</summary>
    public DomainName? Find(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
            return null;
        var index = BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes()) - (long)First;
        lock (_names)
            return index >= 0 && index < _names.Count ? _names[(int)index] : null;
    }

    private static IPAddress FromNumber(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
}
