using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.LogSink.Ingest;

/// <summary>Exactly the wire's words: the framework's converter also takes other cases, and lists that it adds up (<c>dns, egress</c>).</summary>
internal sealed class WordConverter<TEnum>(Func<TEnum, string> word) : JsonConverter<TEnum>
    where TEnum : struct, Enum
{
    private readonly Dictionary<string, TEnum> _values = Enum.GetValues<TEnum>().ToDictionary(word, StringComparer.Ordinal);

    public override TEnum Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && _values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"The word must be one of {string.Join(", ", _values.Keys)}");

    public override void Write(Utf8JsonWriter writer, TEnum value, JsonSerializerOptions options) => writer.WriteStringValue(word(value));
}
