using System.Net;
using Gatehouse.DnsResolver.Answers;
using Gatehouse.DnsResolver.Wire;
using Gatehouse.Gate;
using Gatehouse.Policy;

namespace Gatehouse.DnsResolver.Sessions;

/// <summary>Answers one session's questions. Nothing here ever asks anybody else: an allowed name gets its gate address.</summary>
internal sealed class SessionResolver(GateSession session, GateAddressTable table, AttemptLog log)
{
    private const ushort ClassIn = 1;

    public GateSession Session => session;

    public GateAddressTable Table => table;

    /// <param name="message">As received.</param>
    /// <param name="reply">At least <see cref="ReplyWriter.MaxReply"/> octets.</param>
    /// <param name="isStream">TCP: no limit but the writer's own.</param>
    /// <returns>Octets of the answer; 0 when the message deserves none.</returns>
    public int Answer(ReadOnlySpan<byte> message, Span<byte> reply, bool isStream)
    {
        var begin = log.Begin();
        if (!DnsQuery.TryRead(message, out var query, out var error))
            return 0;
        var answer = error != RCode.NoError ? Wire.Answer.Of(error) : Decide(query);
        log.Answered(begin, answer.Code == RCode.NoError);
        return ReplyWriter.Write(query, answer, reply, isStream ? ReplyWriter.MaxReply : query.PayloadSize);
    }

    private Answer Decide(in DnsQuery query)
    {
        var subject = query.Name.Length == 0 ? "." : query.Name;
        if (query.Class != ClassIn || query.Type is RecordType.Axfr or RecordType.Ixfr)
            return Record(subject, query.Type, Verdict.Deny("only class IN is answered, and no zone is handed out"), Wire.Answer.Blocked);
        var kind = Classifier.Classify(session.Policy, query.Name, out var name, out var reversed, out var verdict);
        switch (kind)
        {
            case QuestionKind.Blocked:
                return Record(subject, query.Type, verdict, Wire.Answer.Blocked);
            case QuestionKind.Canary:
                return Record(subject, query.Type, verdict, Wire.Answer.NoSuchName);
            case QuestionKind.Own:
                return Record(subject, query.Type, verdict, OfType(query.Type, GateAddressTable.Own, null));
            case QuestionKind.Localhost:
                return Record(subject, query.Type, verdict, OfType(query.Type, IPAddress.Loopback, IPAddress.IPv6Loopback));
            case QuestionKind.Reverse:
                return Reverse(subject, query.Type, reversed!);
        }

        // The table grows only for questions that are recorded and answered.
        if (!log.TryRecord(Subject(subject, query.Type), verdict))
            return Wire.Answer.NotReady;
        if (query.Type is not (RecordType.A or RecordType.Any))
            return Wire.Answer.NoData;
        var (given, most) = kind == QuestionKind.Asked
            ? (table.GetOrAddAsked(name), GateAddressTable.AskedCapacity)
            : (table.GetOrAdd(name), GateAddressTable.Capacity);
        return given is { } address
            ? OfType(query.Type, address, null)
            : Record(subject, query.Type, Verdict.Deny($"more than {most} names in one session"), Wire.Answer.Blocked);
    }

    private Answer Reverse(string subject, RecordType type, IPAddress address)
    {
        var found = address.Equals(GateAddressTable.Own) ? "secrets.gatehouse" : table.Find(address)?.Value;
        if (found is null)
            return Record(subject, type, Verdict.Deny("that address stands for no name"), Wire.Answer.Blocked);
        return Record(subject, type, Verdict.Allow("gatehouse"), type is RecordType.Ptr or RecordType.Any
            ? new() { Code = RCode.NoError, RecordType = RecordType.Ptr, Text = found }
            : Wire.Answer.NoData);
    }

    // AAAA, HTTPS and SVCB are NODATA: no detour by IPv6, no keys for encrypted ClientHellos.
    private static Answer OfType(RecordType type, IPAddress v4, IPAddress? v6) => type switch
    {
        RecordType.A => Wire.Answer.OfAddress(v4),
        RecordType.Aaaa when v6 is not null => Wire.Answer.OfAddress(v6),
        RecordType.Any => new() { Code = RCode.NoError, RecordType = RecordType.HInfo },
        _ => Wire.Answer.NoData,
    };

    private Answer Record(string subject, RecordType type, Verdict verdict, Answer answer) =>
        log.TryRecord(Subject(subject, type), verdict) ? answer : Wire.Answer.NotReady;

    private static string Subject(string name, RecordType type) => $"{name} {(Enum.IsDefined(type) ? type.ToString().ToUpperInvariant() : TypeName((ushort)type))}";

    private static string TypeName(ushort type) => type switch
    {
        2 => "NS",
        5 => "CNAME",
        15 => "MX",
        16 => "TXT",
        33 => "SRV",
        64 => "SVCB",
        65 => "HTTPS",
        _ => $"TYPE{type}",
    };
}
