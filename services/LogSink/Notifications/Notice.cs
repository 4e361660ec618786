using System.Buffers;
using System.Text.Json;
using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Query;

namespace Gatehouse.LogSink.Notifications;

/// <summary>What one occasion is about: a record, or a question that waits.</summary>
/// <param name="Id">Its own, however often it is sent: receivers drop what they have already.</param>
/// <param name="Session">Whose it is.</param>
/// <param name="Member">Under which it stands.</param>
/// <param name="Json">It.</param>
internal sealed record Notice(string Id, string Session, string Member, ReadOnlyMemory<byte> Json)
{
    public static Notice Of(string occasion, EventRow row)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var lines = new EventLineWriter())
            lines.Write(line, row);
        return new(IdOf(row.Id.ToString(), occasion), row.Session, "event", line.WrittenMemory);
    }

    public static Notice Of(string occasion, Ask ask) =>
        new(IdOf(ask.Id, occasion), ask.Session, "ask", JsonSerializer.SerializeToUtf8Bytes(ask, AskJson.Default.Ask));

    /// <summary><c>{"notification":"secret.denied","time":"…","session":"…","suppressed":0,"event":{…}}</c>, everything beyond ASCII escaped.</summary>
    public byte[] Write(string occasion, DateTimeOffset time, long suppressed)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("notification", occasion);
            json.WriteString("time", time);
            json.WriteString("session", Session);
            json.WriteNumber("suppressed", suppressed);
            json.WritePropertyName(Member);
            json.WriteRawValue(Json.Span);
            json.WriteEndObject();
        }

        return body.WrittenSpan.ToArray();
    }

    // One record can be several occasions. No dots: a signature is over "id.time.body".
    private static string IdOf(string id, string occasion) => $"{id}-{occasion.Replace('.', '-')}";
}
