using System.Globalization;
using System.Text.Json;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>Members of the sink's answers; what is not there, or of another kind, is nothing.</summary>
internal static class JsonReading
{
    public static string Text(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    public static long Number(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;

    public static DateTimeOffset Time(this JsonElement element, string name) =>
        DateTimeOffset.TryParse(element.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToLocalTime() : default;
}
