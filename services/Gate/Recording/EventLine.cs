using System.Buffers;
using System.Text.Json;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// An event as a line of the spool, in memory that its thread keeps for the next. Written by hand to the form that <see cref="EventJson"/> reads: a gate does
/// this before each answer, and the serializer, which has converters here, takes three times as long.
/// </summary>
internal sealed class EventLine
{
    /// <summary>More is given back: an agent can make an event a megabyte.</summary>
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static EventLine? t_line;

    private readonly ArrayBufferWriter<byte> _bytes = new(1024);
    private readonly Utf8JsonWriter _writer;

    private EventLine() => _writer = new(_bytes, new JsonWriterOptions { SkipValidation = true });

    /// <summary>JSON and a line's end; valid until the thread asks again.</summary>
    public static ReadOnlySpan<byte> Of(BoundaryEvent each)
    {
        var line = t_line ?? new EventLine();
        // Of one that failed on the way, the writer is not used again.
        t_line = null;
        line._bytes.ResetWrittenCount();
        line._writer.Reset();
        Write(line._writer, each);
        line._writer.Flush();
        line._bytes.Write("\n"u8);
        if (line._bytes.Capacity <= MostKept)
            t_line = line;
        return line._bytes.WrittenSpan;
    }

    private static void Write(Utf8JsonWriter json, BoundaryEvent each)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, each.Id);
        json.WriteString("time"u8, each.Time);
        json.WriteString("session"u8, each.Session);
        json.WriteString("gate"u8, DecisionSpans.Word(each.Gate));
        json.WriteString("action"u8, each.Action);
        json.WriteString("subject"u8, each.Subject);
        json.WriteString("verdict"u8, each.Verdict == VerdictKind.Allowed ? "allowed" : "denied");
        if (each.Rule is not null)
            json.WriteString("rule"u8, each.Rule);
        if (each.Reason is not null)
            json.WriteString("reason"u8, each.Reason);
        json.WriteNumber("bytesSent"u8, each.BytesSent);
        json.WriteNumber("bytesReceived"u8, each.BytesReceived);
        json.WriteNumber("durationMs"u8, each.DurationMs);
        if (each.TraceId is not null)
            json.WriteString("traceId"u8, each.TraceId);
        if (each.Attempt is { } attempt)
            json.WriteString("attempt"u8, attempt);
        if (each.Detail is not null)
        {
            json.WriteStartObject("detail"u8);
            foreach (var (name, value) in each.Detail)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
