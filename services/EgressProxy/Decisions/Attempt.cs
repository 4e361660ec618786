using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Tls;

namespace Gatehouse.EgressProxy.Decisions;

/// <summary>One try to get out, as far as it is known when it is decided.</summary>
internal readonly record struct Attempt
{
    public required Way Via { get; init; }

    /// <summary>What was dialled — a gate address already turned into the name it stands for — or what CONNECT asked for.</summary>
    public required Destination To { get; init; }

    /// <summary>What the first bytes are; decides which of the following is set.</summary>
    public Opening Opening { get; init; }

    public ClientHello Hello { get; init; }

    /// <summary>A person said yes to <see cref="To"/>, for this connection or the session. Counts only where the policy asks.</summary>
    public bool IsApproved { get; init; }

    /// <summary>Where the HTTP request says it goes: Host, or the authority of an absolute-form target.</summary>
    public Destination Authority { get; init; }
}

/// <summary>The way in.</summary>
internal enum Way
{
    /// <summary>CONNECT on the explicit proxy.</summary>
    Connect,

    /// <summary>Absolute-form on the explicit proxy.</summary>
    ProxyHttp,

    /// <summary>Port 443, dialled.</summary>
    TransparentTls,

    /// <summary>Port 80, dialled.</summary>
    TransparentHttp,

    /// <summary>Any other port, dialled.</summary>
    Tcp,
}

/// <summary>What a connection begins with.</summary>
internal enum Opening
{
    /// <summary>Not looked at yet: the server may speak first, or the client waits for an answer.</summary>
    Unread,

    Tls,

    /// <summary>Begins like TLS, and can not be judged.</summary>
    InvalidTls,

    Http,

    /// <summary>Some other protocol.</summary>
    Other,
}

internal static class WayNames
{
    /// <summary>As records have it in <c>detail.via</c>.</summary>
    public static string Word(this Way way) => way switch
    {
        Way.Connect => "connect",
        Way.ProxyHttp => "proxy-http",
        Way.TransparentTls => "transparent-tls",
        Way.TransparentHttp => "transparent-http",
        _ => "tcp",
    };
}
