using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Policy.Egress;

/// <summary>Address rules by prefix: one look-up for each prefix length in use, the longest first.</summary>
internal sealed class AddressIndex
{
    private readonly Dictionary<Prefix, PortTable> _prefixes = [];
    private readonly ImmutableArray<int> _lengths4;
    private readonly ImmutableArray<int> _lengths6;

    public AddressIndex(ImmutableArray<EgressRule> rules)
    {
        foreach (var rule in rules)
        {
            if (rule.Address is not { } network)
                continue;
            var key = Prefix.Of(network.BaseAddress, network.PrefixLength);
            if (!_prefixes.TryGetValue(key, out var table))
                _prefixes.Add(key, table = new PortTable());
            table.Add(rule);
        }

        _lengths4 = LengthsOf(isIPv6: false);
        _lengths6 = LengthsOf(isIPv6: true);
    }

    /// <summary>The best rule for the address and port; null as a port means any, among the rules that allow.</summary>
    public EgressRule? Find(IPAddress address, int? port)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        foreach (var length in address.AddressFamily == AddressFamily.InterNetworkV6 ? _lengths6 : _lengths4)
            if (_prefixes.TryGetValue(Prefix.Of(address, length), out var table) && (port is { } number ? table.Find(number) : table.Any(asking: false)) is { } rule)
                return rule;
        return null;
    }

    private ImmutableArray<int> LengthsOf(bool isIPv6) =>
        [.. _prefixes.Keys.Where(key => key.IsIPv6 == isIPv6).Select(key => key.Length).Distinct().OrderDescending()];

    // Addresses as numbers, aligned to the top: IPv4 in the upper 32 of 128 bits.
    private readonly record struct Prefix(bool IsIPv6, int Length, UInt128 Bits)
    {
        public static Prefix Of(IPAddress address, int length)
        {
            Span<byte> bytes = stackalloc byte[16];
            address.TryWriteBytes(bytes, out var written);
            var bits = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            return new Prefix(written == 16, length, length == 0 ? 0 : bits & (UInt128.MaxValue << (128 - length)));
        }
    }
}
