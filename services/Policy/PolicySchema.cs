using System.Globalization;
using System.Text;
using System.Text.Json;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy;

/// <summary>The JSON Schema (draft 2020-12) of <c>gatehouse.yaml</c>, for editors; made from the shape that the parser itself checks.</summary>
public static class PolicySchema
{
    public static string Json()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", "gatehouse.yaml");
            WriteMembers(writer, PolicyShape.Root);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter writer, Shape shape)
    {
        writer.WriteStartObject();
        WriteMembers(writer, shape);
        writer.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter writer, Shape shape)
    {
        writer.WriteString("description", shape.Description);
        switch (shape)
        {
            case ScalarShape scalar:
                WriteScalar(writer, scalar);
                break;
            case ListShape list:
                writer.WriteString("type", "array");
                writer.WriteNumber("maxItems", list.Max);
                writer.WritePropertyName("items");
                Write(writer, list.Item);
                break;
            case OneOrManyShape many:
                writer.WriteStartArray("anyOf");
                Write(writer, many.Item);
                Write(writer, new ListShape(many.Description, many.Item, many.Max));
                writer.WriteEndArray();
                break;
            case NamesShape names:
                writer.WriteString("type", "object");
                writer.WriteNumber("maxProperties", names.Max);
                writer.WritePropertyName("additionalProperties");
                Write(writer, names.Value);
                break;
            case MapShape map:
                WriteMap(writer, map);
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter writer, ScalarShape scalar)
    {
        // Sizes may be plain numbers of bytes.
        if (scalar.Pattern is not null && scalar.Example is "512MiB")
        {
            writer.WriteStartArray("type");
            writer.WriteStringValue("string");
            writer.WriteStringValue("integer");
            writer.WriteEndArray();
        }
        else
        {
            writer.WriteString("type", scalar.Type);
        }

        if (scalar.Pattern is not null)
            writer.WriteString("pattern", scalar.Pattern);
        if (!scalar.Values.IsEmpty)
        {
            writer.WriteStartArray("enum");
            foreach (var value in scalar.Values)
                WriteValue(writer, scalar.Type, value);
            writer.WriteEndArray();
        }
        else if (scalar.Example is not null)
        {
            writer.WriteStartArray("examples");
            WriteValue(writer, scalar.Type, scalar.Example);
            writer.WriteEndArray();
        }
    }

    private static void WriteValue(Utf8JsonWriter writer, string type, string value)
    {
        if (type == "string")
            writer.WriteStringValue(value);
        else
            writer.WriteNumberValue(long.Parse(value, CultureInfo.InvariantCulture));
    }

    private static void WriteMap(Utf8JsonWriter writer, MapShape map)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        foreach (var key in map.Keys)
        {
            writer.WritePropertyName(key.Name);
            Write(writer, key.Value);
        }

        writer.WriteEndObject();
        if (map.Keys.Any(key => key.Required))
        {
            writer.WriteStartArray("required");
            foreach (var key in map.Keys.Where(key => key.Required))
                writer.WriteStringValue(key.Name);
            writer.WriteEndArray();
        }
    }
}
