namespace Gatehouse.DnsResolver.Wire;

/// <summary>Response codes (RFC 1035 §4.1.1, RFC 6891 §9).</summary>
internal enum RCode
{
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NXDomain = 3,
    NotImp = 4,
    Refused = 5,
    BadVers = 16,
}

/// <summary>Record types that are told apart (IANA DNS parameters).</summary>
internal enum RecordType : ushort
{
    A = 1,
    Soa = 6,
    Ptr = 12,
    Aaaa = 28,
    Opt = 41,
    HInfo = 13,
    Ixfr = 251,
    Axfr = 252,
    Any = 255,
}

/// <summary>Extended DNS Errors (RFC 8914 §4).</summary>
internal enum ExtendedError : ushort
{
    None = ushort.MaxValue,
    NotReady = 14,
    Blocked = 15,
}
