using System.Text.Json;

namespace Gatehouse.Record.Export;

/// <summary>A record's line of an export, read back.</summary>
/// <param name="Row">The record.</param>
/// <param name="After">Sequence of the exported record before it; 0 for the first.</param>
/// <param name="Previous">The hash of the record before it in the chain.</param>
public sealed record ExportedRecord(EventRow Row, long After, byte[] Previous)
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 2, AllowDuplicateProperties = false };

    /// <exception cref="DamagedRecordException">It is not such a line. A member that is no record's is refused: it would be unsigned.</exception>
    public static ExportedRecord Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line, s_options);
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new DamagedRecordException("it is not a record that the log sink exported");
        }
    }

    private static ExportedRecord Read(JsonElement json)
    {
        long sequence = 0, after = 0, sent = 0, received = 0, ticks = 0;
        double duration = 0;
        Guid? id = null, attempt = null;
        string? session = null, gate = null, action = null, subject = null, verdict = null, rule = null, reason = null, trace = null, detail = null;
        byte[] previous = [], hash = [];
        foreach (var member in json.EnumerateObject())
        {
            var value = member.Value;
            switch (member.Name)
            {
                case "sequence": sequence = value.GetInt64(); break;
                case "after": after = value.GetInt64(); break;
                case "previous": previous = Convert.FromHexString(value.GetString()!); break;
                case "id": id = value.GetGuid(); break;
                case "time": ticks = value.GetDateTimeOffset().UtcTicks; break;
                case "session": session = value.GetString(); break;
                case "gate": gate = value.GetString(); break;
                case "action": action = value.GetString(); break;
                case "subject": subject = value.GetString(); break;
                case "verdict": verdict = value.GetString(); break;
                case "rule": rule = value.GetString(); break;
                case "reason": reason = value.GetString(); break;
                case "bytesSent": sent = value.GetInt64(); break;
                case "bytesReceived": received = value.GetInt64(); break;
                case "durationMs": duration = value.GetDouble(); break;
                case "traceId": trace = value.GetString(); break;
                case "attempt": attempt = value.GetGuid(); break;
                case "detail": detail = value.GetRawText(); break;
                case "hash": hash = Convert.FromHexString(value.GetString()!); break;
                default: throw new FormatException();
            }
        }

        if (id is null || session is null || gate is null || action is null || subject is null || verdict is null || hash.Length != ChainHead.HashLength || previous.Length != ChainHead.HashLength)
            throw new FormatException();
        var row = new EventRow
        {
            Sequence = sequence,
            Id = id.Value,
            Ticks = ticks,
            Session = session,
            Gate = gate,
            Action = action,
            Subject = subject,
            Verdict = verdict,
            Rule = rule,
            Reason = reason,
            BytesSent = sent,
            BytesReceived = received,
            DurationMs = duration,
            TraceId = trace,
            Attempt = attempt,
            Detail = detail,
            Hash = hash,
        };
        return new(row, after, previous);
    }
}
