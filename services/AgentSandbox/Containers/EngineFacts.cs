using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.Policy.Agent;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>How an engine runs here, as far as the enclosure depends on it.</summary>
internal sealed record EngineFacts
{
    public required bool IsDocker { get; init; }

    /// <summary>Podman without root: its containers have a user namespace in which this user is the agent.</summary>
    public required bool MapsUser { get; init; }

    /// <summary>Whether this process may enter a container's namespace itself; else a helper container does.</summary>
    public required bool CanEnter { get; init; }

    /// <summary>Whether the engine can bound memory and processors.</summary>
    public required bool HasLimits { get; init; }

    public bool HasIPv6 { get; init; } = Directory.Exists("/proc/sys/net/ipv6");

    /// <exception cref="EnclosureException">The engine can not hold an enclosure; the message says what to do.</exception>
    public static async Task<EngineFacts> AskAsync(EngineCommand engine, Isolation isolation, CancellationToken cancellationToken)
    {
        var isRoot = LibC.getuid() == 0;
        if (isolation == Isolation.Podman)
            return new() { IsDocker = false, MapsUser = !isRoot, CanEnter = true, HasLimits = isRoot || File.Exists("/sys/fs/cgroup/cgroup.controllers") };
        using var document = await SecurityOptionsAsync(engine, cancellationToken);
        var words = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.EnumerateArray().Select(each => each.GetString() ?? "").ToImmutableArray() : [];
        if (words.Any(each => each.StartsWith("name=rootless", StringComparison.Ordinal) || each.StartsWith("name=userns", StringComparison.Ordinal)))
            throw new EnclosureException("this Docker runs rootless or with remapped users, where a workspace's owner has no id inside: write isolation: podman (rootless Podman maps it), or bubblewrap");
        return new() { IsDocker = true, MapsUser = false, CanEnter = isRoot, HasLimits = true };
    }

    private static async Task<JsonDocument> SecurityOptionsAsync(EngineCommand engine, CancellationToken cancellationToken)
    {
        using var info = DockerApi.TryGet(DockerSocket.Find(engine), "/info");
        if (info is not null)
            return JsonDocument.Parse(info.RootElement.TryGetProperty("SecurityOptions", out var known) ? known.GetRawText() : "[]");
        // It says why it can not be asked.
        var options = await engine.RunAsync("be asked how it runs", ["info", "--format", "{{json .SecurityOptions}}"], cancellationToken);
        return JsonDocument.Parse(options.Length == 0 ? "[]" : options);
    }

    /// <summary>No more than this process may have itself: an engine that may not raise the limit refuses the container.</summary>
    public static long OpenFiles(long wanted) => Math.Min(wanted, HardLimit("Max open files"));

    /// <summary>Rootless, the kernel counts the processes of the agent's own user namespace (Linux 5.14); otherwise the pids cgroup counts.</summary>
    public long ProcessLimit(int? wanted) => Math.Min(MapsUser ? wanted ?? 4096 : 32_768, HardLimit("Max processes"));

    private static long HardLimit(string name)
    {
        var line = File.ReadLines("/proc/self/limits").First(each => each.StartsWith(name, StringComparison.Ordinal));
        var hard = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.TryParse(hard, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 1_048_576;
    }
}
