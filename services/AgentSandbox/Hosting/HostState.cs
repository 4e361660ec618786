using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.Hosting;

/// <summary>What the host of the services writes into the run directory as <c>host.json</c>, and keeps fresh.</summary>
internal sealed record HostState(int Pid, DateTimeOffset Started, string Host, ImmutableArray<HostedResource> Resources)
{
    [JsonIgnore]
    public bool IsRunning => Resources.All(resource => resource.State == "Running");

    public static HostState? TryRead(RunDirectory run)
    {
        try
        {
            using var file = File.OpenRead(Path.Combine(run.Path, "host.json"));
            return JsonSerializer.Deserialize(file, HostJson.Default.HostState);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

internal sealed record HostedResource(string Name, string? Url, int? Pid, string State);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HostState))]
[JsonSerializable(typeof(ServiceStatus))]
internal sealed partial class HostJson : JsonSerializerContext;

/// <summary>One line of <c>gatehouse status</c>.</summary>
internal sealed record ServiceStatus(string Name, string State, string? Url, int? Pid);
