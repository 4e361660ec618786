using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.EgressProxy.Upstream;

/// <summary><c>GET /sessions/{session}/resolve/{name}</c>.</summary>
internal sealed record ResolvedAddresses(string[] Addresses, int TtlSeconds);

/// <summary><c>GET /sessions/{session}/gate-addresses/{address}</c>.</summary>
internal sealed record GateAddressName(string Name);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ResolvedAddresses))]
[JsonSerializable(typeof(GateAddressName))]
internal sealed partial class ResolverJson : JsonSerializerContext;
