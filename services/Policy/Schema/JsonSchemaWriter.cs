using System.Text.Json;

namespace Gatehouse.Policy.Schema;

/// <summary>Shapes as JSON Schema. An editor then says of a policy what the parser would, as far as a schema can.</summary>
internal sealed class JsonSchemaWriter(Utf8JsonWriter writer)
{
    /// <summary>The members of one schema object, without its braces.</summary>
    /// <param name="shape">What it describes.</param>
    /// <param name="needs">What must be supported for the place to be used at all.</param>
    public void WriteMembers(Shape shape, PolicyFeatures needs)
    {
        writer.WriteString("description", PolicyFeatures.Current.HasFlag(needs)
            ? shape.Description
            : shape.Description + " Not supported yet.");
        switch (shape)
        {
            case ObjectShape of:
                WriteObject(of);
                break;
            case MapShape map:
                writer.WriteString("type", "object");
                writer.WriteNumber("maxProperties", map.MaxCount);
                Write("additionalProperties", map.Value);
                break;
            case ListShape { OrOne: true } list:
                WriteAnyOf(list.Item, list with { OrOne = false });
                break;
            case ListShape list:
                writer.WriteString("type", "array");
                writer.WriteNumber("minItems", list.MinCount);
                writer.WriteNumber("maxItems", list.MaxCount);
                Write("items", list.Item);
                break;
            case EitherShape either:
                WriteAnyOf(either.Plain, either.Mapping);
                break;
            default:
                WriteScalar(shape);
                break;
        }
    }

    private void Write(string name, Shape shape, PolicyFeatures needs = PolicyFeatures.None)
    {
        writer.WriteStartObject(name);
        WriteMembers(shape, needs);
        writer.WriteEndObject();
    }

    private void WriteObject(ObjectShape shape)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        var required = shape.Keys.Where(key => key.IsRequired).Select(key => key.Name).ToList();
        if (required.Count > 0)
            WriteStrings("required", required);
        writer.WriteStartObject("properties");
        foreach (var key in shape.Keys)
            Write(key.Name, key.Shape, key.Needs);
        writer.WriteEndObject();
    }

    private void WriteAnyOf(params ReadOnlySpan<Shape> shapes)
    {
        writer.WriteStartArray("anyOf");
        foreach (var shape in shapes)
        {
            writer.WriteStartObject();
            WriteMembers(shape, PolicyFeatures.None);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteScalar(Shape shape)
    {
        switch (shape)
        {
            case TextShape text:
                // A plain number or switch word is text to the parser; a schema has to say so.
                WriteStrings("type", ["string", "number", "boolean"]);
                writer.WriteNumber("minLength", text.MayBeEmpty ? 0 : 1);
                writer.WriteNumber("maxLength", text.MaxLength);
                WriteStrings("examples", [text.Example.Trim('"')]);
                break;
            case WordShape words:
                WriteStrings("enum", words.Words.Select(word => word.Text));
                break;
            case IntegerShape integer:
                writer.WriteString("type", "integer");
                writer.WriteNumber("minimum", integer.Min);
                writer.WriteNumber("maximum", integer.Max);
                break;
            case DecimalShape { Max: double.MaxValue }:
                writer.WriteString("type", "number");
                break;
            case DecimalShape number:
                writer.WriteString("type", "number");
                writer.WriteNumber("minimum", number.Min);
                writer.WriteNumber("maximum", number.Max);
                break;
            case SizeShape size:
                WriteStrings("type", ["string", "integer"]);
                writer.WriteString("pattern", Quantity.SizePattern);
                writer.WriteNumber("minimum", size.Min);
                writer.WriteNumber("maximum", size.Max);
                WriteStrings("examples", ["512MiB"]);
                break;
            case SwitchShape:
                writer.WriteString("type", "boolean");
                break;
            case DurationShape:
                writer.WriteString("type", "string");
                writer.WriteString("pattern", Quantity.DurationPattern);
                WriteStrings("examples", ["8h", "1h30m"]);
                break;
        }
    }

    private void WriteStrings(string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
            writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
