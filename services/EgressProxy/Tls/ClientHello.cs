using System.Collections.Immutable;
using Gatehouse.EgressProxy.Destinations;

namespace Gatehouse.EgressProxy.Tls;

/// <summary>What a ClientHello (RFC 8446 §4.1.2) says in clear about where it wants to go.</summary>
internal readonly record struct ClientHello
{
    /// <summary>The one host_name of server_name (RFC 6066 §3); null when the extension is absent.</summary>
    public RemoteHost? ServerName { get; init; }

    /// <summary>
    /// The encrypted_client_hello extension is there, so the real name may be another one. A decoy ("GREASE") can not be told from
    /// the real thing by anybody but the server: that is its purpose (RFC 9849 §6.2).
    /// </summary>
    public bool HasEncryptedHello { get; init; }

    /// <summary>ALPN protocol names (RFC 7301) as far as they are printable, for the record.</summary>
    public ImmutableArray<string> Protocols { get; init; }
}

/// <summary>Why bytes are not a ClientHello that can be judged.</summary>
internal enum ClientHelloError
{
    None,

    /// <summary>The bytes are some other protocol's.</summary>
    NotTls,

    /// <summary>Begins like TLS and breaks the grammar.</summary>
    Malformed,

    /// <summary>Longer than <see cref="ClientHelloReader.MaxLength"/>.</summary>
    TooLong,

    /// <summary>server_name holds something other than exactly one host name.</summary>
    InvalidServerName,
}
