using System.Net;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>What a packet tried: protocol, destination and port (0 where there is none).</summary>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c>, or <c>protocol-132</c>.</param>
internal readonly record struct SeenPacket(string Protocol, IPAddress Destination, int Port)
{
    /// <summary>As records write it: <c>udp 1.2.3.4:443</c>, <c>icmp 8.8.8.8</c>.</summary>
    public string Subject => Port == 0 ? $"{Protocol} {Destination}" : $"{Protocol} {new IPEndPoint(Destination, Port)}";
}
