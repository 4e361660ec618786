using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Gatehouse.LogSink.Otlp;

/// <summary>A span as it is kept: identifiers as lower-case hex, times in nanoseconds since 1970, attributes as one JSON object.</summary>
internal sealed record SpanRow(
    string Trace, string Span, string? Parent, string? Session, string Service, string Name, long Kind, long Start, long End, long Status, string? Message, string Attributes);

/// <summary>Reads an OTLP <c>ExportTraceServiceRequest</c> (opentelemetry-proto 1.x, <c>trace/v1</c>). Everything is bounded: services put an agent's words into spans.</summary>
internal static class SpanReader
{
    /// <summary>As long as a subject.</summary>
    private const int MostText = 2_048;

    /// <summary>OpenTelemetry's own default for a span.</summary>
    private const int MostAttributes = 128;

    /// <returns>False when it is no such request.</returns>
    public static bool TryRead(ReadOnlySpan<byte> request, List<SpanRow> spans)
    {
        var resources = new ProtoReader(request);
        while (resources.TryReadField())
        {
            if (resources.Field != 1)
                continue;
            var service = Service(resources.Bytes);
            var scopes = new ProtoReader(resources.Bytes);
            while (scopes.TryReadField())
            {
                if (scopes.Field != 2)
                    continue;
                var each = new ProtoReader(scopes.Bytes);
                while (each.TryReadField())
                {
                    if (each.Field != 2)
                        continue;
                    if (ReadSpan(each.Bytes, service) is not { } span)
                        return false;
                    spans.Add(span);
                }

                if (each.IsMalformed)
                    return false;
            }

            if (scopes.IsMalformed)
                return false;
        }

        return !resources.IsMalformed;
    }

    private static string Service(ReadOnlySpan<byte> resourceSpans)
    {
        var name = "unknown";
        var fields = new ProtoReader(resourceSpans);
        while (fields.TryReadField())
        {
            if (fields.Field != 1)
                continue;
            var resource = new ProtoReader(fields.Bytes);
            while (resource.TryReadField())
            {
                if (resource.Field == 1 && ReadPair(resource.Bytes) is ("service.name", var value))
                    name = Convert.ToString(value, CultureInfo.InvariantCulture) ?? name;
            }
        }

        return name;
    }

    private static SpanRow? ReadSpan(ReadOnlySpan<byte> bytes, string service)
    {
        var span = new SpanRow("", "", null, null, service, "", 0, 0, 0, 0, null, "{}");
        var attributes = new SortedDictionary<string, object?>(StringComparer.Ordinal);
        var fields = new ProtoReader(bytes);
        while (fields.TryReadField())
        {
            switch (fields.Field)
            {
                case 1: span = span with { Trace = Convert.ToHexStringLower(fields.Bytes) }; break;
                case 2: span = span with { Span = Convert.ToHexStringLower(fields.Bytes) }; break;
                case 4: span = span with { Parent = fields.Bytes.IsEmpty ? null : Convert.ToHexStringLower(fields.Bytes) }; break;
                case 5: span = span with { Name = Short(fields.Text) }; break;
                case 6: span = span with { Kind = (long)fields.Value }; break;
                case 7: span = span with { Start = (long)fields.Value }; break;
                case 8: span = span with { End = (long)fields.Value }; break;
                case 9 when attributes.Count < MostAttributes:
                    var (name, value) = ReadPair(fields.Bytes);
                    attributes[name] = value;
                    break;
                case 15: span = ReadStatus(fields.Bytes, span); break;
                default: break;
            }
        }

        if (fields.IsMalformed || span.Trace.Length != 32 || span.Span.Length != 16)
            return null;
        return span with { Session = attributes.GetValueOrDefault("session.id") as string, Attributes = Json(attributes) };
    }

    private static SpanRow ReadStatus(ReadOnlySpan<byte> bytes, SpanRow span)
    {
        var fields = new ProtoReader(bytes);
        while (fields.TryReadField())
            span = fields.Field == 2 ? span with { Message = Short(fields.Text) } : fields.Field == 3 ? span with { Status = (long)fields.Value } : span;
        return span;
    }

    private static (string Name, object? Value) ReadPair(ReadOnlySpan<byte> bytes)
    {
        var name = "";
        object? value = null;
        var fields = new ProtoReader(bytes);
        while (fields.TryReadField())
        {
            if (fields.Field == 1)
                name = Short(fields.Text);
            else if (fields.Field == 2)
                value = ReadAny(fields.Bytes);
        }

        return (name, value);
    }

    // Lists and maps are not kept: none of ours has one.
    private static object? ReadAny(ReadOnlySpan<byte> bytes)
    {
        var any = new ProtoReader(bytes);
        if (!any.TryReadField())
            return null;
        return any.Field switch
        {
            1 => Short(any.Text),
            2 => any.Value != 0,
            3 => (long)any.Value,
            4 when double.IsFinite(BitConverter.UInt64BitsToDouble(any.Value)) => BitConverter.UInt64BitsToDouble(any.Value),
            _ => null,
        };
    }

    private static string Json(SortedDictionary<string, object?> attributes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in attributes)
            {
                json.WritePropertyName(name);
                switch (value)
                {
                    case string text: json.WriteStringValue(text); break;
                    case bool flag: json.WriteBooleanValue(flag); break;
                    case long number: json.WriteNumberValue(number); break;
                    case double number: json.WriteNumberValue(number); break;
                    default: json.WriteNullValue(); break;
                }
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string Short(string text)
    {
        if (text.Length <= MostText)
            return text;
        return char.IsHighSurrogate(text[MostText - 1]) ? text[..(MostText - 1)] : text[..MostText];
    }
}
