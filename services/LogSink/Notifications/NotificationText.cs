using System.Buffers;
using System.Text.Json;
using Gatehouse.LogSink.Query;

namespace Gatehouse.LogSink.Notifications;

/// <summary><c>{"notification":"secret.denied","time":"…","session":"…","suppressed":0,"event":{…}}</c>, everything beyond ASCII escaped.</summary>
internal static class NotificationText
{
    public static byte[] Write(string occasion, DateTimeOffset time, long suppressed, EventRow row)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var lines = new EventLineWriter())
            lines.Write(line, row);
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("notification", occasion);
            json.WriteString("time", time);
            json.WriteString("session", row.Session);
            json.WriteNumber("suppressed", suppressed);
            json.WritePropertyName("event");
            json.WriteRawValue(line.WrittenSpan);
            json.WriteEndObject();
        }

        return body.WrittenSpan.ToArray();
    }
}
