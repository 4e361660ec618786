using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// Containers, volumes and mounts of sessions whose launcher died. Names come from our own markers, and a container of that name is removed only when
/// it carries this installation's label, whose value nobody else knows: an image can bring labels, and anybody can take a name.
/// </summary>
internal static class ContainerLeftovers
{
    /// <summary>Before any command; never in its way.</summary>
    public static void CleanUp()
    {
        try
        {
            var state = StateDirectory.Open().Path;
            if (!ContainerMarker.All(state).IsEmpty)
                CleanUp(state, new(Path.Combine(state, "sessions")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or SystemCallException or EnclosureException)
        {
            // What the command itself needs of the state directory it says itself; what is left here is tried again by the next one.
        }
    }

    /// <summary>Cheap when there is nothing: one look at a folder. An engine that does not answer is asked again by the next command.</summary>
    public static void CleanUp(string state, SessionStore store)
    {
        foreach (var marker in ContainerMarker.All(state))
        {
            using var held = store.TryLock(marker.Session);
            if (held is null)
                continue;
            if (RemoveAsync(state, marker).GetAwaiter().GetResult())
                ContainerMarker.Remove(state, marker.Session);
        }
    }

    /// <summary>Idempotent.</summary>
    /// <returns>False when the engine could not be asked.</returns>
    public static async Task<bool> RemoveAsync(string state, ContainerMarker marker)
    {
        EngineCommand engine;
        try
        {
            engine = EngineCommand.Find(marker.Engine, marker.Runtime);
        }
        catch (EnclosureException)
        {
            return false;
        }

        var label = $"{ContainerArguments.InstallationLabel}={Installation.Id(state)}";
        var session = $"{ContainerArguments.SessionLabel}={marker.Session}";
        var found = await engine.TryRunAsync(["ps", "--all", "--no-trunc", "--filter", "label=" + label, "--filter", "label=" + session, "--format", "{{.Names}}"]);
        if (found.Code != 0)
            return false;
        var names = Lines(found.Output).Where(name => marker.Containers.Contains(name)).ToList();
        if (names.Count > 0 && (await engine.TryRunAsync(["rm", "--force", "--volumes", .. names])).Code != 0)
            return false;
        // One filter: where there are several, Podman 4 lists what matches any of them, which would be the volumes of other sessions.
        var volumes = await engine.TryRunAsync(["volume", "ls", "--quiet", "--filter", "label=" + session]);
        if (volumes.Code != 0)
            return false;
        foreach (var volume in Lines(volumes.Output))
        {
            var owner = await engine.TryRunAsync(["volume", "inspect", "--format", $"{{{{index .Labels \"{ContainerArguments.InstallationLabel}\"}}}}={{{{index .Labels \"{ContainerArguments.SessionLabel}\"}}}}", volume]);
            // Not by force: with Podman that ends containers which use it.
            if (owner.Output.Trim() == $"{Installation.Id(state)}={marker.Session}" && (await engine.TryRunAsync(["volume", "rm", volume])).Code != 0)
                return false;
        }

        ContainerMounts.Unmount(marker.HostMounts);
        return true;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
