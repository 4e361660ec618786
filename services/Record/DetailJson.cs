using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.Record;

/// <summary>An event's further members as they are stored: one JSON object of strings, names in ordinal order, none twice.</summary>
public static class DetailJson
{
    public static string? Write(ImmutableSortedDictionary<string, string>? detail) =>
        detail is null ? null : JsonSerializer.Serialize(detail.WithComparers(StringComparer.Ordinal), DetailJsonContext.Default.ImmutableSortedDictionaryStringString);

    /// <exception cref="DamagedRecordException">It is not such an object.</exception>
    public static ImmutableSortedDictionary<string, string> Read(string json)
    {
        try
        {
            var entries = JsonSerializer.Deserialize(json, DetailJsonContext.Default.ImmutableSortedDictionaryStringString);
            if (entries is not null && !entries.ContainsValue(null!))
                return entries.WithComparers(StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            // The same as a value of another kind.
        }

        throw new DamagedRecordException("its detail is not an object of strings");
    }
}

[JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, string>))]
internal sealed partial class DetailJsonContext : JsonSerializerContext;

/// <summary>A stored record is not one that the sink wrote.</summary>
public sealed class DamagedRecordException(string message) : Exception(message);
