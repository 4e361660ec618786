namespace Gatehouse.EgressProxy.Decisions;

/// <summary>Every reason for which this gate lets nothing through; <see cref="DenialText"/> has the answer to each.</summary>
internal enum Denial
{
    None,

    /// <summary>No rule names the host.</summary>
    Name,

    /// <summary>A rule names the host, on other ports.</summary>
    Port,

    /// <summary>An address that stands for no name, and that no rule names.</summary>
    RawAddress,

    /// <summary>A person has not said yes (yet).</summary>
    Unapproved,

    /// <summary>A person said no.</summary>
    Refused,

    /// <summary>No person answered in time.</summary>
    Unanswered,

    /// <summary>Too many connections wait for a person.</summary>
    TooManyHeld,

    /// <summary>Nobody can be asked: the log sink does not answer.</summary>
    NobodyToAsk,

    /// <summary>Gatehouse's own names have no way out through a proxy.</summary>
    OwnName,

    /// <summary>SNI or Host is not what was dialled (domain fronting).</summary>
    Disagreement,

    /// <summary>TLS to a name without SNI: nothing says that it is the name.</summary>
    NoServerName,

    /// <summary>TLS with a name to an address: the rule names the address only.</summary>
    NameOnAddress,

    /// <summary>ECH, real or decoy.</summary>
    EncryptedHello,

    /// <summary>TLS that can not be judged.</summary>
    InvalidTls,

    /// <summary>Something other than TLS on 443.</summary>
    NotTls,

    /// <summary>Something other than HTTP on 80.</summary>
    NotHttp,

    /// <summary>A head that parsers could read differently.</summary>
    InvalidRequest,

    /// <summary>A connection on which no request came.</summary>
    NoRequest,

    /// <summary>A request to the proxy that is meant for an origin server.</summary>
    NotForProxy,

    /// <summary>The rule has methods or paths, and nothing here can hold it to them.</summary>
    NeedsInspection,

    /// <summary>The first bytes did not come in time.</summary>
    TooSlow,

    /// <summary>Nobody can say which name the address stands for.</summary>
    ResolverUnavailable,

    /// <summary>What can not be recorded does not happen.</summary>
    RecordUnavailable,
}
