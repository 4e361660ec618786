using System.Net;

namespace Gatehouse.DnsResolver.Wire;

/// <summary>What is said to one question.</summary>
internal sealed record Answer
{
    public required RCode Code { get; init; }

    /// <summary>Type of the one record; the zero value has none.</summary>
    public RecordType RecordType { get; init; }

    public IPAddress? Address { get; init; }

    /// <summary>A PTR's name, or the text of an extended error.</summary>
    public string? Text { get; init; }

    public ExtendedError Error { get; init; } = ExtendedError.None;

    public bool HasRecord => RecordType != 0;

    /// <summary>The name is there, without such a record (RFC 2308 §2.2).</summary>
    public bool IsNoData => Code == RCode.NoError && !HasRecord;

    public static Answer NoData { get; } = new() { Code = RCode.NoError };

    public static Answer NoSuchName { get; } = new() { Code = RCode.NXDomain };

    /// <summary>RFC 8914: 15 "Blocked".</summary>
    public static Answer Blocked { get; } = new() { Code = RCode.Refused, Error = ExtendedError.Blocked, Text = "not in gatehouse.yaml" };

    public static Answer NotReady { get; } = new() { Code = RCode.ServFail, Error = ExtendedError.NotReady, Text = "the record is unavailable" };

    public static Answer Of(RCode code) => new() { Code = code };

    public static Answer OfAddress(IPAddress address) => new()
    {
        Code = RCode.NoError,
        RecordType = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? RecordType.A : RecordType.Aaaa,
        Address = address,
    };
}
