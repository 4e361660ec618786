using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>What matters of an image. Everything else that it asks for (entry point, user, health check, environment) is overruled.</summary>
/// <param name="Id">Content address: what runs is what was looked at.</param>
/// <param name="Path">Its PATH, if it sets one: where its programs are is not for us to guess.</param>
/// <param name="Volumes">Folders that it declares as volumes: an engine would make them writable, on the host's disk, without a bound.</param>
internal sealed record ImageFacts(string Id, string? Path, ImmutableArray<string> Volumes)
{
    private const int MaxVolumes = 16;

    /// <param name="json">What <c>image inspect</c> prints for one image: an array of one object.</param>
    /// <param name="image">As the policy has it, for messages.</param>
    /// <exception cref="EnclosureException">The image asks for what can not be given.</exception>
    public static ImageFacts Parse(string json, string image)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement[0] : document.RootElement;
        var id = root.GetProperty(nameof(Id)).GetString()!;
        string? path = null;
        ImmutableArray<string> volumes = [];
        if (root.TryGetProperty("Config", out var config) && config.ValueKind == JsonValueKind.Object)
        {
            if (config.TryGetProperty("Env", out var environment) && environment.ValueKind == JsonValueKind.Array)
                path = environment.EnumerateArray().Select(each => each.GetString()!).LastOrDefault(each => each.StartsWith("PATH=", StringComparison.Ordinal))?[5..];
            if (config.TryGetProperty(nameof(Volumes), out var declared) && declared.ValueKind == JsonValueKind.Object)
                volumes = [.. declared.EnumerateObject().Select(each => each.Name.Length > 1 ? each.Name.TrimEnd('/') : each.Name)];
        }

        if (volumes.Length > MaxVolumes || volumes.Any(each => !IsPlain(each)))
            throw new EnclosureException($"the image {image} declares volumes that can not be covered ({volumes.Length}: {string.Join(' ', volumes.Take(3))}): build one without VOLUME");
        return new(id, path, volumes);
    }

    private static bool IsPlain(string path) =>
        path.Length is > 1 and < 256 && path[0] == '/' && !path.Contains("//", StringComparison.Ordinal)
        && !path.Split('/').Any(part => part is "." or "..") && path.All(each => char.IsAsciiLetterOrDigit(each) || each is '/' or '.' or '_' or '-');
}
