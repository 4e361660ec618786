using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy;

/// <summary>
/// The JSON Schema (draft 2020-12) of <c>gatehouse.yaml</c>, for editors; made from the shape that the parser itself checks.
/// </summary>
public static class PolicySchema
{
    /// <summary>The schema as indented JSON.</summary>
    public static string Json()
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(stream, options))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", "gatehouse.yaml");
            new JsonSchemaWriter(writer).WriteMembers(PolicyShape.Root, PolicyFeatures.None);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
