using System.Buffers;
using System.Text.Json;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Recording;

/// <summary>An event as a line of the spool, in memory that its thread keeps for the next.</summary>
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
        JsonSerializer.Serialize(line._writer, each, EventJson.Default.BoundaryEvent);
        line._bytes.Write("\n"u8);
        if (line._bytes.Capacity <= MostKept)
            t_line = line;
        return line._bytes.WrittenSpan;
    }
}
