using Gatehouse.AgentSandbox.Native;
using Gatehouse.Gate;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>Which host folders may be lent to an agent at all, and under whose name.</summary>
internal sealed class HostFolders(string policyDirectory, string home, StateDirectory state, RunDirectory run)
{
    /// <summary>
    /// Absolute path with links resolved. Refused: what is not there, what is neither folder nor file, and what holds Gatehouse's own record,
    /// run directory or upper layers, which the agent must not reach.
    /// </summary>
    /// <exception cref="LaunchException">It may not be lent.</exception>
    public string Resolve(string text, string what, bool mustBeFolder)
    {
        var expanded = HostPaths.Expand(text, policyDirectory, home);
        var path = RealPath.Of(expanded)
            ?? throw new LaunchException(ExitCodes.BadPolicy, $"{what}: {expanded} does not exist: create it, or correct the policy");
        if (mustBeFolder && !Directory.Exists(path))
            throw new LaunchException(ExitCodes.BadPolicy, $"{what}: {path} is not a folder: name one");
        if (!Directory.Exists(path) && !IsRegularFile(path))
            throw new LaunchException(ExitCodes.BadPolicy, $"{what}: {path} is a socket, pipe or device, which an agent never gets: remove it from the policy");
        foreach (var own in new[] { state.Path, run.Path })
        {
            var real = RealPath.Of(own) ?? own;
            if (IsWithin(real, path) || IsWithin(path, real))
            {
                throw new LaunchException(ExitCodes.BadPolicy,
                    $"{what}: {path} holds Gatehouse's own files ({real}), which the agent must not reach: name a narrower folder, or move them with GATEHOUSE_STATE and GATEHOUSE_RUN");
            }
        }

        foreach (var kernel in new[] { "/proc", "/sys", "/dev" })
        {
            if (path == "/" || IsWithin(path, kernel))
                throw new LaunchException(ExitCodes.BadPolicy, $"{what}: {path} would give the agent the machine itself: name a narrower folder");
        }

        return path;
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="folder"/> or below it.</summary>
    public static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder.TrimEnd('/') + '/', StringComparison.Ordinal);

    private static bool IsRegularFile(string path) => (File.GetAttributes(path) & (FileAttributes.Device | FileAttributes.ReparsePoint)) == 0
        && FileOwner.IsRegular(path);
}
