using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.Policy.Events;

/// <summary>The wire form of boundary events: camelCase members, enums as lower-case words, one object a line (NDJSON).</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(BoundaryConverter), typeof(VerdictKindConverter)])]
[JsonSerializable(typeof(BoundaryEvent))]
[JsonSerializable(typeof(List<BoundaryEvent>))]
public sealed partial class EventJson : JsonSerializerContext;

/// <summary><c>dns</c>, <c>egress</c>, …</summary>
public sealed class BoundaryConverter() : JsonStringEnumConverter<Boundary>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

/// <summary><c>allowed</c>, <c>denied</c>.</summary>
public sealed class VerdictKindConverter() : JsonStringEnumConverter<VerdictKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
