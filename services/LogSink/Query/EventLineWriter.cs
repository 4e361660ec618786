using System.Buffers;
using System.Text.Json;

namespace Gatehouse.LogSink.Query;

/// <summary>Writes a record as one JSON object on one line: the event's members, <c>sequence</c> and <c>hash</c>. Everything beyond ASCII is escaped.</summary>
internal sealed class EventLineWriter : IDisposable
{
    private readonly Utf8JsonWriter _json = new(Stream.Null);

    public void Write(IBufferWriter<byte> to, EventRow row) => Write(to, row, null, []);

    /// <summary>As an export has it, with what stands before it.</summary>
    /// <param name="to">Where.</param>
    /// <param name="row">The record.</param>
    /// <param name="after">Sequence of the exported record before it; null where it is no export.</param>
    /// <param name="previous">Hash of the record before it in the chain.</param>
    public void Write(IBufferWriter<byte> to, EventRow row, long? after, ReadOnlySpan<byte> previous)
    {
        _json.Reset(to);
        _json.WriteStartObject();
        _json.WriteNumber("sequence", row.Sequence);
        if (after is { } before)
        {
            _json.WriteNumber("after", before);
            _json.WriteString("previous", Convert.ToHexStringLower(previous));
        }

        _json.WriteString("id", row.Id);
        _json.WriteString("time", Time.Of(row.Ticks));
        _json.WriteString("session", row.Session);
        _json.WriteString("gate", row.Gate);
        _json.WriteString("action", row.Action);
        _json.WriteString("subject", row.Subject);
        _json.WriteString("verdict", row.Verdict);
        Optional("rule", row.Rule);
        Optional("reason", row.Reason);
        _json.WriteNumber("bytesSent", row.BytesSent);
        _json.WriteNumber("bytesReceived", row.BytesReceived);
        _json.WriteNumber("durationMs", row.DurationMs);
        Optional("traceId", row.TraceId);
        if (row.Attempt is { } attempt)
            _json.WriteString("attempt", attempt);
        if (row.Detail is { } detail)
        {
            _json.WritePropertyName("detail");
            _json.WriteRawValue(detail);
        }

        _json.WriteString("hash", Convert.ToHexStringLower(row.Hash));
        _json.WriteEndObject();
        _json.Flush();

        void Optional(string name, string? value)
        {
            if (value is not null)
                _json.WriteString(name, value);
        }
    }

    public void Dispose() => _json.Dispose();
}
