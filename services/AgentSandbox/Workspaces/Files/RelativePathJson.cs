using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>Paths in JSON are as people see them; the escapes keep every byte.</summary>
internal sealed class RelativePathJson : JsonConverter<RelativePath>
{
    public override RelativePath Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        RelativePath.TryParse(reader.GetString() ?? "", out var path) ? path : throw new JsonException("not a path below a workspace");

    public override void Write(Utf8JsonWriter writer, RelativePath value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
