using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.LogSink.Asks;

/// <summary><c>POST /asks</c></summary>
internal sealed record AskRequest(string? Id, string? Session, string? Gate, string? Subject, string? Host, int Port, string? Rule, DateTimeOffset Expires);

/// <summary><c>POST /asks/{id}/answer</c></summary>
internal sealed record AnswerRequest(AskVerdict? Verdict, AskScope Scope);

/// <summary><c>GET /asks/{id}</c></summary>
internal sealed record AskStatus(AskState State, AskScope Scope);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(AskWordConverter<AskVerdict>), typeof(AskWordConverter<AskScope>), typeof(AskWordConverter<AskState>)])]
[JsonSerializable(typeof(Ask))]
[JsonSerializable(typeof(AskRequest))]
[JsonSerializable(typeof(AnswerRequest))]
[JsonSerializable(typeof(AskStatus))]
internal sealed partial class AskJson : JsonSerializerContext;

/// <summary>Lower-case words, never numbers.</summary>
internal sealed class AskWordConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
