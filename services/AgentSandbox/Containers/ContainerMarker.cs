using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// What a session made outside its own processes, written down before it is made: <c>STATE/containers/SESSION.json</c>. It is removed with the last of
/// them; one whose launcher is gone is cleaned up by the next command.
/// </summary>
internal sealed record ContainerMarker
{
    public required string Session { get; init; }

    /// <summary><c>docker</c> or <c>podman</c>.</summary>
    public required string Engine { get; init; }

    public string? Runtime { get; init; }

    /// <summary>Names of the containers: the agent's, and the helper's.</summary>
    public required ImmutableArray<string> Containers { get; init; }

    public ImmutableArray<string> Volumes { get; init; } = [];

    public ImmutableArray<string> HostMounts { get; init; } = [];

    private static string Folder(string state) => Path.Combine(state, "containers");

    public static string PathOf(string state, string session) => Path.Combine(Folder(state), session + ".json");

    public void Write(string state)
    {
        Directory.CreateDirectory(Folder(state), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = PathOf(state, Session);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, ContainerJson.Default.ContainerMarker));
        File.Move(path + ".new", path, overwrite: true);
    }

    public static void Remove(string state, string session) => File.Delete(PathOf(state, session));

    /// <summary>Of sessions that run, and of those whose launcher died.</summary>
    public static ImmutableArray<ContainerMarker> All(string state)
    {
        if (!Directory.Exists(Folder(state)))
            return [];
        var markers = ImmutableArray.CreateBuilder<ContainerMarker>();
        foreach (var path in Directory.EnumerateFiles(Folder(state), "*.json"))
        {
            try
            {
                if (JsonSerializer.Deserialize(File.ReadAllBytes(path), ContainerJson.Default.ContainerMarker) is { } marker)
                    markers.Add(marker);
            }
            catch (Exception e) when (e is JsonException or IOException)
            {
                // Removed by another command meanwhile, or never finished: then nothing had been made yet.
            }
        }

        return markers.ToImmutable();
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContainerMarker))]
internal sealed partial class ContainerJson : JsonSerializerContext;
