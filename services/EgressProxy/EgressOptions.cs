namespace Gatehouse.EgressProxy;

/// <summary>Section <c>Egress</c> of the configuration.</summary>
internal sealed class EgressOptions
{
    public const string Section = "Egress";

    /// <summary>The resolver's endpoint for gates; found by service discovery.</summary>
    public Uri Resolver { get; set; } = new("http://dns-resolver");

    /// <summary>Where people are asked; found by service discovery.</summary>
    public Uri Sink { get; set; } = new("http://log-sink");

    /// <summary>Connections of one session that are held for a person's answer at a time; more are denied. A browser opens six to a host.</summary>
    public int HeldConnections { get; set; } = 64;

    /// <summary>After a no, the same destination is denied for so long without asking again: a client that retries must not nag.</summary>
    public TimeSpan AskAgainAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest wait for a request head or a ClientHello. They fit in one flight; 10 s is a bad link's patience.</summary>
    public TimeSpan HeadTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A connection on which neither side has sent anything for so long is closed. An hour covers idle SSH and database sessions.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For one address. Linux would try for over two minutes.</summary>
    public TimeSpan DialTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>For all addresses of a host together: clients give up at about 30 s, and should get our answer before.</summary>
    public TimeSpan DialTotalTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>For one question to the resolver, which has its own shorter bounds toward its upstreams.</summary>
    public TimeSpan ResolverTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Packet events of one session a second; above, one event counts the rest. A port scan makes 65,535.</summary>
    public int PacketEventsPerSecond { get; set; } = 500;
}
